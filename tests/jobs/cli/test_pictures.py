"""`mxtrials pictures`: the confusion matrices of a trial that is not the best of its network."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cluster.run_dir.paths import RunDir
from tests.support.command_line import CommandLine, assert_one_line_error
from tests.support.trial_folders import trial_folder


@pytest.fixture
def run(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> Path:
    done = mxtrials("run", "smoke", *small, "--set", "training.epochs=2", "--quiet", "--out", tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "")
    return tmp_path / "run"


def images(folder: Path) -> list[int]:
    """The epochs whose confusion matrix TensorBoard shows for a trial."""
    events = EventAccumulator(str(folder))
    events.Reload()
    if "pictures/confusion_digit" not in events.Tags()["images"]:
        return []
    return [event.step for event in events.Images("pictures/confusion_digit")]


def test_pictures_of_any_trial_are_drawn_on_demand(run: Path, mxtrials: CommandLine) -> None:
    folders = [trial_folder(RunDir(run), number) for number in (0, 1)]
    assert sorted(map(images, folders)) == [[], [1, 2]]  # those of the best trial are there

    for number in (0, 1, 1):
        done = mxtrials("pictures", run, "--trial", str(number))
        assert (done.returncode, done.stderr) == (0, "")
        assert folders[number].name in done.stdout

    assert list(map(images, folders)) == [[1, 2], [1, 2]]


def test_trial_that_does_not_exist_is_named(run: Path, mxtrials: CommandLine) -> None:
    assert_one_line_error(mxtrials("pictures", run, "--trial", "7"), 2, "has no trial 7")
