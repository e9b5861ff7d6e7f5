"""Fixtures for tests of the study store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.store.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store.create(path, "study")
    yield store
    store.close()
