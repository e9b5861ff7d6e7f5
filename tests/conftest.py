"""Fixtures for all tests: MNIST, whole and in a small part, in memory and as IDX files, and the `mxtrials` command."""

import os
import secrets
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import settings
from playwright.sync_api import Browser

from mnist_core.data.cache import open_dataset
from mnist_core.data.dataset import Dataset
from tests.support.browser import CHROMIUM, NO_CHROMIUM, open_browser
from tests.support.command_line import ROOT, CommandLine, command
from tests.support.small_images import small_cut, write_idx_files

# Ray reads these once, when it is imported. A private token and no address keep the tests away from the user's cluster.
os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32), RAY_USAGE_STATS_ENABLED="0")
os.environ.pop("RAY_ADDRESS", None)
# As in an active virtual environment, in which commands that are printed name programs without their folder.
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])

# A law holds at any speed, and these tests share their machine: hypothesis' limit of 200 ms an example is luck.
settings.register_profile("mxtrials", deadline=None, print_blob=True)
settings.load_profile("mxtrials")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs files with slow tests first, so that they do not delay the end of a parallel run."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> Random:
    """Random numbers that differ in each run; pytest shows their seed if the test fails."""
    seed = secrets.randbits(32)
    request.node.add_report_section("call", "rng", f"Random({seed})")
    return Random(seed)


@pytest.fixture(scope="session")
def bundled_dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """All of MNIST, mapped from a data cache for this test session."""
    return open_dataset(cache_dir=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def small_dataset(bundled_dataset: Dataset) -> Dataset:
    """The first 256 training and the first 128 test images, read-only."""
    return small_cut(bundled_dataset)


@pytest.fixture(scope="session")
def small_idx_folder(small_dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`small_dataset` as four plain IDX files; shared, so copy the folder before you change it."""
    folder = tmp_path_factory.mktemp("small-idx")
    write_idx_files(small_dataset, folder)
    return folder


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment for `mxtrials` in any folder, with a data cache for this test session."""
    cache = str(tmp_path_factory.mktemp("cache"))
    return {**os.environ, "XDG_CACHE_HOME": cache, "COLUMNS": "100", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def mxtrials(environment: dict[str, str], tmp_path: Path) -> CommandLine:
    """Runs a command in an empty folder, with changes to its environment as keywords, and waits for its end."""

    def run(*arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments),
            cwd=tmp_path,
            env={**environment, **changes},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def small(small_idx_folder: Path) -> list[str]:
    """Options for a study on 200 images."""
    return ["--set", f"data.source={small_idx_folder}", "--set", "data.holdout=56", "--local"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium. One for all tests of a process: Playwright allows no second one beside it."""
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    with open_browser() as opened:
        yield opened
