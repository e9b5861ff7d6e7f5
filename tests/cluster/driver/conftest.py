"""Fixtures for tests of the driver."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.spec.spec_file import load_spec
from mnist_core.data.dataset import Dataset
from tests.cluster.driver.small_study import SPEC, Study


@pytest.fixture
def study(tmp_path: Path, small_dataset: Dataset) -> Callable[..., Study]:
    """Creates a study of three trials, with overrides of its spec."""

    def make(*overrides: str) -> Study:
        return Study(tmp_path, small_dataset, load_spec(SPEC, overrides))

    return make
