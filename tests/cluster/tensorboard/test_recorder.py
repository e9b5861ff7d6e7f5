"""The event files of the recorder, read back by TensorBoard's own reader."""

import shutil
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cluster.driver.observer import TrialEnded, TrialMeasured, TrialWaiting, WorkersChanged
from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import StudySpec
from cluster.tensorboard.hparams import TrialEnd
from cluster.tensorboard.recorder import Recorder
from cluster.tensorboard.study_page import MOST_PENDING, EndedTrial
from cluster.trial import TrialState
from mnist_core.measurement import Measurement
from tests.cluster.tensorboard.best_network import NETWORK, PREDICTIONS
from tests.support.records import started
from tests.support.trial_folders import trial_folder

SPEC = StudySpec(name="study")
MOMENTUM = {"training.momentum": 0.5}
RECORDED = started(0, "mlp", MOMENTUM).trial
OBJECTIVE, TAG = "val/accuracy", "accuracy/val"


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.create(tmp_path / "run")


@pytest.fixture
def recorder(run_dir: RunDir) -> Iterator[Recorder]:
    recorder = Recorder(run_dir, SPEC)
    yield recorder
    recorder.close()


def test_measurement_can_be_read_while_the_trial_runs(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.notify(started(3, "mlp", {}, "worker-0"))
    recorder.notify(TrialMeasured(3, measurement(1, accuracy=0.5)))

    assert scalars(run_dir, 3) == [(1, 0.5)]


def test_trial_without_a_measurement_has_no_file(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.notify(started(0, "mlp", {}, "worker-0"))
    recorder.notify(TrialWaiting(0, "its worker was lost"))
    recorder.notify(WorkersChanged(0, "its worker was lost"))

    assert not run_dir.tensorboard.exists()


def test_driver_draws_no_pictures(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.notify(started(0, "multitask", {}, "worker-0"))
    recorder.notify(TrialMeasured(0, Measurement(1, {}, 1.0, {"parity": ((9, 1), (1, 9))})))
    recorder.notify(TrialEnded(0, TrialState.COMPLETE, 0.5, None))

    assert read(trial_folder(run_dir, 0)).Tags()["images"] == []


@given(attempts=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=4))
@settings(max_examples=25)
def test_retried_trial_has_every_epoch_once(
    attempts: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run_dir = RunDir.create(tmp_path_factory.mktemp("runs") / "run")
    recorder = Recorder(run_dir, SPEC)
    reached = 0
    for start, epochs in attempts:
        recorder.notify(started(0, "mlp", {}, "worker-0"))
        for epoch in range(min(start, reached + 1), start + epochs):
            recorder.notify(TrialMeasured(0, measurement(epoch)))
            reached = max(reached, epoch)
        recorder.notify(TrialWaiting(0, "its worker was lost"))

    assert [step for step, _ in scalars(run_dir, 0)] == list(range(1, reached + 1))


def test_rebuilt_trial_replaces_the_events_of_another_driver_and_continues(run_dir: RunDir) -> None:
    killed = Recorder(run_dir, SPEC)
    killed.notify(started(0, "mlp", {}, "worker-0"))
    for epoch in range(1, 5):
        killed.notify(TrialMeasured(0, measurement(epoch, accuracy=0.1)))

    recorder = Recorder(run_dir, SPEC)
    recorder.rebuild(started(0).trial, [measurement(epoch) for epoch in (1, 2)], None)
    recorder.notify(started(0, "mlp", {}, "worker-1"))
    recorder.notify(TrialMeasured(0, measurement(2)))
    recorder.notify(TrialMeasured(0, measurement(3)))

    assert [step for step, _ in scalars(run_dir, 0)] == [1, 2, 3]
    assert [value for _, value in scalars(run_dir, 0)] == pytest.approx([0.9, 0.9, 0.9])


def test_rebuilt_epochs_are_spaced_by_their_durations(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.rebuild(started(0).trial, [measurement(epoch) for epoch in (1, 2, 3)], None)

    times_s = [event.wall_time for event in read(trial_folder(run_dir, 0)).Scalars(TAG)]

    assert np.diff(times_s) == pytest.approx([10.0, 10.0], abs=0.01)


def test_rebuilt_trial_without_measurements_has_no_file(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.rebuild(started(0).trial, [], None)

    assert not run_dir.tensorboard.exists()


def test_trial_rebuilt_as_finished_has_a_session_end(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.rebuild(started(0).trial, [measurement(1)], TrialState.COMPLETE)

    assert "_hparams_/session_end_info" in hparams_tags(run_dir, 0)


def test_finished_trials_leave_no_files_open(recorder: Recorder) -> None:
    files_before = sorted(Path("/proc/self/fd").iterdir())

    record_trials(recorder, range(100))

    assert sorted(Path("/proc/self/fd").iterdir()) == files_before


def test_finished_trials_hold_no_memory(recorder: Recorder) -> None:
    tracemalloc.start()
    try:
        record_trials(recorder, range(600))  # fills caches
        recorder.study.flush()
        before_bytes, _ = tracemalloc.get_traced_memory()
        record_trials(recorder, range(600, 1100))
        recorder.study.flush()
        after_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert after_bytes - before_bytes < 500 * 50


def test_points_of_a_study_do_not_pile_up_if_the_clock_is_set_back(recorder: Recorder, run_dir: RunDir) -> None:
    record_trials(recorder, [0])
    recorder.study.flush()
    for number in range(MOST_PENDING + 1):
        recorder.study.add(EndedTrial(number, "mlp", "0000-mlp", TrialEnd(TrialState.FAIL, None, 1, 1.0), ended_at=0.0))
    events = read(run_dir.study_tensorboard)
    assert len(events.Scalars("study/failed")) >= MOST_PENDING


def test_page_of_the_best_is_added_to_a_finished_trial(recorder: Recorder, run_dir: RunDir) -> None:
    record_trials(recorder, [0])
    recorder.write_best(RECORDED, [measurement(1)], NETWORK, PREDICTIONS)

    events = read(trial_folder(run_dir, 0))
    assert events.Tags()["graph"]
    assert [event.step for event in events.Scalars(TAG)] == [1]


def test_page_of_the_best_written_twice_replaces_the_first_one(recorder: Recorder, run_dir: RunDir) -> None:
    record_trials(recorder, [0])
    for _ in range(2):
        recorder.write_best(RECORDED, [measurement(1)], NETWORK, PREDICTIONS)
    suffixes = [file.suffix for file in trial_folder(run_dir, 0).glob("events.*")]

    assert (len(suffixes), suffixes.count(".best")) == (2, 1)
    assert len(read(trial_folder(run_dir, 0)).Images("pictures/worst_mistakes_1")) == 1


def test_new_file_sorts_last_although_the_clock_was_set_back(recorder: Recorder, run_dir: RunDir) -> None:
    record_trials(recorder, [0])
    (file,) = trial_folder(run_dir, 0).iterdir()
    later = file.rename(file.with_name(f"events.out.tfevents.{time.time() + 3600:.6f}.host"))
    recorder.write_best(RECORDED, [measurement(1)], NETWORK, PREDICTIONS)
    first, second = sorted(trial_folder(run_dir, 0).glob("events.*"))
    recorder.rebuild(RECORDED, [measurement(1)], TrialState.PRUNED)
    (rebuilt,) = trial_folder(run_dir, 0).glob("events.*")

    assert first == later
    assert rebuilt.name > second.name
    assert [step for step, _ in scalars(run_dir, 0)] == [1]


def test_study_that_is_opened_twice_is_stored_once(recorder: Recorder, run_dir: RunDir) -> None:
    for _ in range(2):
        recorder.study.open(np.zeros((60, 28, 28), np.uint8), np.zeros(60, np.uint8))

    assert len(read(run_dir.study_tensorboard).Images("pictures/first_images")) == 1


def test_folder_that_the_user_deleted_is_recreated(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.notify(started(0, "mlp", {}, "worker-0"))
    recorder.notify(TrialMeasured(0, measurement(1)))
    shutil.rmtree(trial_folder(run_dir, 0))
    recorder.notify(TrialMeasured(0, measurement(2)))

    assert [step for step, _ in scalars(run_dir, 0)] == [2]


def measurement(epoch: int, accuracy: float = 0.9) -> Measurement:
    """A measurement of an epoch that took ten seconds."""
    return Measurement(epoch, {OBJECTIVE: accuracy, "train/loss": 1 / epoch}, 10.0 * epoch)


def record_trials(recorder: Recorder, numbers: Iterable[int]) -> None:
    """Records trials of one epoch, from their start to their end."""
    for number in numbers:
        recorder.notify(started(number, "mlp", MOMENTUM, "worker-0"))
        recorder.notify(TrialMeasured(number, measurement(1)))
        recorder.notify(TrialEnded(number, TrialState.PRUNED, 0.9, None))


def read(folder: Path) -> EventAccumulator:
    """Reads all events of a run."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    return events


def scalars(run_dir: RunDir, number: int) -> list[tuple[int, float]]:
    """The (step, value) pairs of a trial's objective."""
    return [(event.step, event.value) for event in read(trial_folder(run_dir, number)).Scalars(TAG)]


def hparams_tags(run_dir: RunDir, number: int) -> dict[str, bytes]:
    """What a trial writes for the HParams page: content by tag."""
    content: dict[str, bytes] = read(trial_folder(run_dir, number)).PluginTagToContent("hparams")
    return content
