"""Reports of studies of several sizes, and a browser to look at them."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import CHROMIUM, NO_CHROMIUM, open_browser
from tests.support.command_line import run_successfully
from tests.support.tabled_study import tabled_study

Pages = Callable[[int], Path]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Pages:
    """Returns the report of a complete study with this many trials, as `mxtrials report` writes it."""

    @cache
    def page(trials: int) -> Path:
        run_dir = tabled_study(tmp_path_factory.mktemp("tabled") / "run", trials)
        return Path(run_successfully(environment, "report", run_dir.path).strip())

    return page
