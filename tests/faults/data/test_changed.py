"""Data that changes, moves or disappears while no driver runs."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import TRIALS
from tests.faults.kit.first_version import downgrade_store
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_results
from tests.support.command_line import CommandLine, assert_one_line_error

RESUME = (f"--trials={TRIALS}", "--local", "--quiet")


@pytest.fixture
def own_data(started_run: Path, small_idx_folder: Path, tmp_path: Path) -> Path:
    """A folder that only `started_run` reads its data from, so that the test can change it."""
    folder = tmp_path / "own-data"
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


def truncate_environment(run: Path) -> None:
    environment = run / "environment.json"
    environment.write_bytes(environment.read_bytes()[:200])


def make_old(run: Path) -> None:
    downgrade_store(run / "study.db")


@fault(
    "Data, specs and settings",
    "the data changes after a study started, with or without its cache, with `environment.json` intact or damaged",
    seen="`resume` and `evaluate`: one-line error with both fingerprints, exit code 2",
    cost="nothing: once the files are restored, the study continues",
)
@pytest.mark.parametrize(
    "prepare", [lambda run: None, truncate_environment, make_old], ids=["intact", "truncated", "old"]
)
def test_changed_data_is_rejected_until_it_is_restored(
    prepare: Callable[[Path], object],
    started_run: Path,
    own_data: Path,
    mxtrials: CommandLine,
    undisturbed: Path,
    tmp_path: Path,
) -> None:
    prepare(started_run)
    swap_training_and_test_images(own_data)
    assert_one_line_error(
        mxtrials("resume", started_run, *RESUME),
        2,
        "has changed since the study started: its fingerprint is",
        "and was",
    )
    assert_one_line_error(mxtrials("evaluate", started_run), 2, "has changed since the study")
    without_cache = mxtrials("resume", started_run, *RESUME, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert_one_line_error(without_cache, 2, "has changed since the study started", "restore the files")
    swap_training_and_test_images(own_data)
    assert mxtrials("resume", started_run, *RESUME).returncode == 0
    if prepare is make_old:  # the seeds of its further trials are those of older versions
        trials = read_results(started_run).trials
        assert [trial["state"] for trial in trials] == ["COMPLETE"] * len(read_results(undisturbed).trials)
    else:
        assert read_results(started_run) == read_results(undisturbed)


def point_to(folder: Path, run: Path) -> None:
    """Sets `data.source` in the spec of a run, as a user does who has moved the data."""
    spec = run / "spec.yaml"
    spec.write_text(re.sub(r"source: [^,]*", f"source: {folder}", spec.read_text()))


@fault(
    "Data, specs and settings",
    "`data.source` is changed after a study started, to a folder with the same images or with others",
    seen="the same images: nothing. Others: one-line error of `resume`, `evaluate` and `reproduce` with the folder and "
    "both fingerprints, exit code 2; `show` works, because it reads no images",
    cost="nothing: once `data.source` is the folder with the study's images, it continues",
)
def test_other_source_is_taken_if_it_has_the_same_images(
    started_run: Path, own_data: Path, mxtrials: CommandLine, undisturbed: Path, tmp_path: Path
) -> None:
    others = tmp_path / "other-data"
    shutil.copytree(own_data, others)
    swap_training_and_test_images(others)
    point_to(others, started_run)
    results = read_results(started_run)
    for command in (["resume", *RESUME], ["evaluate"], ["reproduce"]):
        failed = mxtrials(command[0], started_run, *command[1:])
        words = (f"the data of {others} has changed since the study", "fingerprint is", "set data.source to the folder")
        assert_one_line_error(failed, 2, *words)
    assert read_results(started_run) == results
    assert mxtrials("show", started_run).returncode == 0
    moved = own_data.rename(tmp_path / "moved-data")
    point_to(moved, started_run)
    for command in (["evaluate"], ["reproduce"], ["resume", *RESUME]):
        assert mxtrials(command[0], started_run, *command[1:]).returncode == 0
    assert read_results(started_run) == read_results(undisturbed)


@fault(
    "Data, specs and settings",
    "`environment.json` of a run made by an older mxtrials, the only record of its data, is damaged or missing",
    seen="`resume` warns that the data cannot be compared, and continues; from then on it expects the current data",
    cost="no check for changes before that",
)
def test_unrecorded_data_is_reported_once(started_run: Path, own_data: Path, mxtrials: CommandLine) -> None:
    make_old(started_run)
    truncate_environment(started_run)
    resume = ("resume", started_run, "--trials=1", "--local")
    first, second = mxtrials(*resume), mxtrials(*resume)
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.count("warning: the original data fingerprint is not recorded") == 1
    assert "warning" not in second.stdout
    truncate_environment(started_run)
    swap_training_and_test_images(own_data)
    assert_one_line_error(mxtrials(*resume), 2, "has changed since the study started")


@fault(
    "Data, specs and settings",
    "the data is missing when a study is resumed",
    seen="one-line error naming the folder, exit code 2; `show` works",
    cost="nothing",
)
def test_missing_data_is_reported(started_run: Path, own_data: Path, mxtrials: CommandLine, tmp_path: Path) -> None:
    own_data.rename(tmp_path / "elsewhere")
    assert_one_line_error(mxtrials("resume", started_run, *RESUME), 2, f"data folder {own_data} does not exist")
    assert_one_line_error(mxtrials("evaluate", started_run), 2, f"data folder {own_data} does not exist")
    assert mxtrials("show", started_run).returncode == 0


def test_source_with_fewer_images_than_the_hold_out_is_rejected_as_other_data(
    started_run: Path, own_data: Path, mxtrials: CommandLine
) -> None:
    for kind in ("train-images-idx3", "train-labels-idx1"):
        content = (own_data / f"{kind}-ubyte").read_bytes()
        (own_data / f"{kind}-ubyte").write_bytes(first_images(content, 20))
    assert_one_line_error(mxtrials("resume", started_run, *RESUME), 2, "has changed since the study started")


def first_images(content: bytes, count: int) -> bytes:
    """Returns an IDX file with only its first images or labels."""
    size = 28 * 28 if content[3] == 3 else 1
    header = 4 + 4 * content[3]
    return content[:4] + count.to_bytes(4, "big") + content[8 : header + count * size]
