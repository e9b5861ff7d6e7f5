"""Data that changes or goes while a study rests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import TRIALS
from tests.faults.kit.first_version import downgrade_store
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_results
from tests.support.command_line import CommandLine, assert_refused

RESUME = (f"--trials={TRIALS}", "--local", "--quiet")


@pytest.fixture
def mine(started_run: Path, small_idx_folder: Path, tmp_path: Path) -> Path:
    """A folder of the test's own from which the run directory has its data."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in small_idx_folder.glob("*-ubyte"):
        (folder / file.name).write_bytes(file.read_bytes())
    spec = started_run / "spec.yaml"
    spec.write_text(spec.read_text().replace(str(small_idx_folder), str(folder)))
    return folder


def swap_training_and_test_images(folder: Path) -> None:
    for kind in ("images-idx3", "labels-idx1"):
        train, test, aside = (folder / f"{part}-{kind}-ubyte" for part in ("train", "t10k", "aside"))
        train.rename(aside)
        test.rename(train)
        aside.rename(test)


def cut_environment(run: Path) -> None:
    environment = run / "environment.json"
    environment.write_bytes(environment.read_bytes()[:200])


def make_old(run: Path) -> None:
    downgrade_store(run / "study.db")


@fault(
    "Data, specs and settings",
    "the data changes after a study began, its cache there or gone, `environment.json` whole or damaged",
    seen="`resume` and `evaluate` are refused in one sentence with both fingerprints, exit code 2",
    lost="nothing: once the files are restored, the study goes on",
)
@pytest.mark.parametrize("prepare", [lambda run: None, cut_environment, make_old], ids=["as it is", "cut", "old"])
def test_changed_data_is_refused_until_it_is_restored(
    prepare: Callable[[Path], object],
    started_run: Path,
    mine: Path,
    mxtrials: CommandLine,
    undisturbed: Path,
    tmp_path: Path,
) -> None:
    prepare(started_run)
    swap_training_and_test_images(mine)
    assert_refused(
        mxtrials("resume", started_run, *RESUME), 2, "has changed since the study began: its fingerprint is", "and was"
    )
    assert_refused(mxtrials("evaluate", started_run), 2, "has changed since the study")
    without_cache = mxtrials("resume", started_run, *RESUME, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert_refused(without_cache, 2, "has changed since the study began", "restore the files")
    swap_training_and_test_images(mine)
    assert mxtrials("resume", started_run, *RESUME).returncode == 0
    assert read_results(started_run) == read_results(undisturbed)


@fault(
    "Data, specs and settings",
    "`environment.json` of a run that an older mxtrials made is damaged or gone, which alone told of its data",
    seen="`resume` warns that the data cannot be compared, and goes on; from then on the present data is the study's",
    lost="whether the data has changed until then",
)
def test_data_that_nothing_tells_of_is_told_once(started_run: Path, mine: Path, mxtrials: CommandLine) -> None:
    make_old(started_run)
    cut_environment(started_run)
    resume = ("resume", started_run, "--trials=1", "--local")
    first, second = mxtrials(*resume), mxtrials(*resume)
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.count("warning: the data cannot be compared") == 1
    assert "warning" not in second.stdout
    cut_environment(started_run)
    swap_training_and_test_images(mine)
    assert_refused(mxtrials(*resume), 2, "has changed since the study began")


@fault(
    "Data, specs and settings",
    "the data is gone when a study is resumed",
    seen="one sentence with the folder, exit code 2; `show` works",
    lost="nothing",
)
def test_missing_data_is_refused(started_run: Path, mine: Path, mxtrials: CommandLine, tmp_path: Path) -> None:
    mine.rename(tmp_path / "elsewhere")
    assert_refused(mxtrials("resume", started_run, *RESUME), 2, f"data folder {mine} does not exist")
    assert_refused(mxtrials("evaluate", started_run), 2, f"data folder {mine} does not exist")
    assert mxtrials("show", started_run).returncode == 0
