"""A disk that cannot be written stops the recorder, never the study; the errors are real ones of the kernel."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cluster.driver.observer import TrialEnded, TrialMeasured
from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import StudySpec
from cluster.tensorboard.recorder import Recorder
from cluster.trial import TrialState
from mnist_core.measurement import Measurement
from tests.cluster.tensorboard.best_network import NETWORK, PREDICTIONS
from tests.support.records import started
from tests.support.trial_folders import trial_folder

SPEC = StudySpec(name="study")
OBJECTIVE = "val/accuracy"
LARGE = Measurement(2, {OBJECTIVE: 0.9, **{f"val/number_{index}": 0.5 for index in range(100)}}, 20.0)


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.create(tmp_path / "run")


@pytest.fixture
def recorder(run_dir: RunDir) -> Recorder:
    return Recorder(run_dir, SPEC)


def test_full_disk_stops_the_recorder_and_not_the_study(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.notify(started(0))
    recorder.notify(TrialMeasured(0, measurement(1)))
    with limited_file_size(1024):
        recorder.notify(TrialMeasured(0, LARGE))
    problem = recorder.problem
    recorder.notify(TrialMeasured(0, measurement(3)))
    recorder.notify(TrialEnded(0, TrialState.COMPLETE, 0.9, None))

    assert problem is not None
    assert "cannot write" in problem
    assert "(File too large)" in problem
    assert recorder.problem == problem
    assert shown_epochs(run_dir, 0) == [1]


WRITES: list[Callable[[Recorder], None]] = [
    lambda recorder: recorder.notify(TrialMeasured(0, measurement(1))),
    lambda recorder: recorder.notify(TrialEnded(0, TrialState.FAIL, None, "diverged")),
    lambda recorder: recorder.rebuild(started(0).trial, [measurement(1)], None),
    lambda recorder: recorder.study.open(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8)),
    lambda recorder: recorder.write_best(started(0).trial, [measurement(1)], NETWORK, PREDICTIONS),
]


@pytest.mark.parametrize("write", WRITES)
def test_folder_that_cannot_be_created_is_reported_without_raising(
    write: Callable[[Recorder], None], recorder: Recorder, run_dir: RunDir
) -> None:
    run_dir.tensorboard.write_text("in the way")
    recorder.notify(started(0))

    write(recorder)

    assert recorder.problem is not None
    assert str(run_dir.tensorboard) in recorder.problem


def test_rebuild_completes_the_events_of_a_recorder_that_stopped(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.notify(started(0))
    recorder.notify(TrialMeasured(0, measurement(1)))
    with limited_file_size(1024):
        recorder.notify(TrialMeasured(0, LARGE))

    resumed = Recorder(run_dir, SPEC)
    resumed.rebuild(started(0).trial, [measurement(epoch) for epoch in (1, 2)], None)

    assert shown_epochs(run_dir, 0) == [1, 2]


def measurement(epoch: int) -> Measurement:
    """A measurement of an epoch that took one second."""
    return Measurement(epoch, {OBJECTIVE: 0.9}, float(epoch))


def shown_epochs(run_dir: RunDir, number: int) -> list[int]:
    """The epochs of a trial that TensorBoard shows."""
    events = EventAccumulator(str(trial_folder(run_dir, number)))
    events.Reload()
    return [event.step for event in events.Scalars("accuracy/val")]


@contextmanager
def limited_file_size(limit_bytes: int) -> Iterator[None]:
    """Makes every write beyond this file size fail, as it would on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
