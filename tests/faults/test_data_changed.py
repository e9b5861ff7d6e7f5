"""Data that changes or goes while a study rests."""

from pathlib import Path

import pytest

from tests.command_line import CommandLine, assert_refused
from tests.faults.accounts import account
from tests.faults.conftest import TRIALS
from tests.faults.matrix import fault

RESUME = (f"--trials={TRIALS}", "--local", "--quiet")


@pytest.fixture
def mine(begun: Path, small_idx_folder: Path, tmp_path: Path) -> Path:
    """A folder of the test's own from which the run directory has its data."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for file in small_idx_folder.glob("*-ubyte"):
        (folder / file.name).write_bytes(file.read_bytes())
    spec = begun / "spec.yaml"
    spec.write_text(spec.read_text().replace(str(small_idx_folder), str(folder)))
    return folder


def swap_training_and_test_images(folder: Path) -> None:
    for kind in ("images-idx3", "labels-idx1"):
        train, test, aside = (folder / f"{part}-{kind}-ubyte" for part in ("train", "t10k", "aside"))
        train.rename(aside)
        test.rename(train)
        aside.rename(test)


@fault(
    "Data, specs and settings",
    "the data changes after a study began, its cache there or gone",
    seen="`resume` and `evaluate` are refused in one sentence with both fingerprints, exit code 2",
    lost="nothing: once the files are restored, the study goes on",
)
def test_changed_data_is_refused_until_it_is_restored(
    begun: Path, mine: Path, mxtrials: CommandLine, undisturbed: Path, tmp_path: Path
) -> None:
    swap_training_and_test_images(mine)
    assert_refused(
        mxtrials("resume", begun, *RESUME), 2, "has changed since the study began: its fingerprint is", "and was"
    )
    assert_refused(mxtrials("evaluate", begun), 2, "has changed since the study")
    without_cache = mxtrials("resume", begun, *RESUME, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert_refused(without_cache, 2, "has changed since the study began", "restore the files")
    swap_training_and_test_images(mine)
    assert mxtrials("resume", begun, *RESUME).returncode == 0
    assert account(begun) == account(undisturbed)


@fault(
    "Data, specs and settings",
    "the data is gone when a study is resumed",
    seen="one sentence with the folder, exit code 2; `show` works",
    lost="nothing",
)
def test_missing_data_is_refused(begun: Path, mine: Path, mxtrials: CommandLine, tmp_path: Path) -> None:
    mine.rename(tmp_path / "elsewhere")
    assert_refused(mxtrials("resume", begun, *RESUME), 2, f"data folder {mine} does not exist")
    assert_refused(mxtrials("evaluate", begun), 2, f"data folder {mine} does not exist")
    assert mxtrials("show", begun).returncode == 0
