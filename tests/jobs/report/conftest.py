"""Reports of studies of several sizes."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.support.command_line import run_successfully
from tests.support.tabled_study import tabled_study

Pages = Callable[[int], Path]


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Pages:
    """Returns the report of a complete study with this many trials, as `mxtrials report` writes it."""

    @cache
    def page(trials: int) -> Path:
        run_dir = tabled_study(tmp_path_factory.mktemp("tabled") / "run", trials)
        return Path(run_successfully(environment, "report", run_dir.path).strip())

    return page
