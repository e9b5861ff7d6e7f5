"""The event files of the recorder, read back by TensorBoard's own reader."""

import math
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from cluster.driver.observer import TrialEnded, TrialMeasured, TrialWaiting, WorkersChanged
from cluster.run_dir.paths import RunDir
from cluster.spec.space import Params
from cluster.tensorboard.recorder import Recorder
from cluster.trial import TrialState
from mnist_core.config import LenetConfig
from mnist_core.measurement import ConfusionMatrix, Measurement
from mnist_core.model.networks import build_network
from tests.support.records import started

OBJECTIVE = "val/accuracy"
CONFUSION: ConfusionMatrix = tuple(tuple(90 if row == column else 1 for column in range(10)) for row in range(10))
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner))


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.create(tmp_path / "run")


@pytest.fixture
def recorder(run_dir: RunDir) -> Iterator[Recorder]:
    recorder = Recorder(run_dir, OBJECTIVE)
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


def test_confusion_matrix_of_each_head_is_an_image(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.notify(started(0, "multitask", {}, "worker-0"))
    recorder.notify(TrialMeasured(0, Measurement(1, {}, 1.0, {"digit": CONFUSION, "parity": ((9, 1), (1, 9))})))
    recorder.notify(TrialEnded(0, TrialState.COMPLETE, 0.5, None))

    assert read(run_dir.trial_tensorboard(0)).Tags()["images"] == ["confusion/digit", "confusion/parity"]


@given(attempts=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=4))
@settings(max_examples=25)
def test_retried_trial_has_every_epoch_once(
    attempts: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run_dir = RunDir.create(tmp_path_factory.mktemp("runs") / "run")
    recorder = Recorder(run_dir, OBJECTIVE)
    reached = 0
    for start, epochs in attempts:
        recorder.notify(started(0, "mlp", {}, "worker-0"))
        for epoch in range(min(start, reached + 1), start + epochs):
            recorder.notify(TrialMeasured(0, measurement(epoch)))
            reached = max(reached, epoch)
        recorder.notify(TrialWaiting(0, "its worker was lost"))

    assert [step for step, _ in scalars(run_dir, 0)] == list(range(1, reached + 1))


def test_rebuilt_trial_replaces_the_events_of_another_driver_and_continues(run_dir: RunDir) -> None:
    killed = Recorder(run_dir, OBJECTIVE)
    killed.notify(started(0, "mlp", {}, "worker-0"))
    for epoch in range(1, 5):
        killed.notify(TrialMeasured(0, measurement(epoch, accuracy=0.1)))

    recorder = Recorder(run_dir, OBJECTIVE)
    recorder.rebuild(0, "mlp", {}, [measurement(epoch) for epoch in (1, 2)], None)
    recorder.notify(started(0, "mlp", {}, "worker-1"))
    recorder.notify(TrialMeasured(0, measurement(2)))
    recorder.notify(TrialMeasured(0, measurement(3)))

    assert [step for step, _ in scalars(run_dir, 0)] == [1, 2, 3]
    assert [value for _, value in scalars(run_dir, 0)] == pytest.approx([0.9, 0.9, 0.9])


def test_rebuilt_epochs_are_spaced_by_their_durations(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.rebuild(0, "mlp", {}, [measurement(epoch) for epoch in (1, 2, 3)], None)

    times_s = [event.wall_time for event in read(run_dir.trial_tensorboard(0)).Scalars(OBJECTIVE)]

    assert np.diff(times_s) == pytest.approx([10.0, 10.0], abs=0.01)


def test_rebuilt_trial_without_measurements_has_no_file(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.rebuild(0, "mlp", {}, [], None)

    assert not run_dir.tensorboard.exists()


def test_trial_rebuilt_as_finished_has_a_session_end(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.rebuild(0, "mlp", {}, [measurement(1)], TrialState.COMPLETE)

    assert "_hparams_/session_end_info" in hparams_tags(run_dir, 0)


@given(params=st.dictionaries(st.text("abc.", min_size=1), VALUES, max_size=4))
@settings(max_examples=25)
def test_params_of_any_type_reach_tensorboard(params: Params, tmp_path_factory: pytest.TempPathFactory) -> None:
    run_dir = RunDir.create(tmp_path_factory.mktemp("runs") / "run")
    recorder = Recorder(run_dir, OBJECTIVE)
    recorder.notify(started(0, "mlp", params, "worker-0"))
    recorder.notify(TrialEnded(0, TrialState.FAIL, None, "diverged"))

    cells = plugin_data_pb2.HParamsPluginData.FromString(
        hparams_tags(run_dir, 0)["_hparams_/session_start_info"]
    ).session_start_info.hparams
    for name, value in {"model": "mlp", **params}.items():
        if isinstance(value, str | bool) or (isinstance(value, int) and abs(value) < 2**53):
            kind = cells[name].WhichOneof("kind")
            assert (kind, getattr(cells[name], kind)) == (kind_of(value), value)
        elif value is None or (isinstance(value, float) and not math.isfinite(value)):
            assert name not in cells


def test_finished_trials_leave_no_files_open(recorder: Recorder) -> None:
    files_before = sorted(Path("/proc/self/fd").iterdir())

    record_trials(recorder, range(100))

    assert sorted(Path("/proc/self/fd").iterdir()) == files_before


def test_finished_trials_hold_no_memory(recorder: Recorder) -> None:
    record_trials(recorder, range(100))
    tracemalloc.start()
    try:
        record_trials(recorder, range(100, 600))
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept_bytes < 500 * 50


def test_graph_can_be_added_to_a_finished_trial(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.notify(started(0, "lenet", {}, "worker-0"))
    recorder.notify(TrialMeasured(0, measurement(1)))
    recorder.notify(TrialEnded(0, TrialState.COMPLETE, 0.9, None))
    recorder.write_graph(0, build_network(LenetConfig()).symbol.tojson())

    events = read(run_dir.trial_tensorboard(0))
    assert "Convolution" in {node.op for node in events.Graph().node}
    assert [event.step for event in events.Scalars(OBJECTIVE)] == [1]


def test_predictions_and_graph_written_twice_replace_the_first_ones(recorder: Recorder, run_dir: RunDir) -> None:
    record_trials(recorder, [0])
    for _ in range(2):
        recorder.write_predictions(0, np.zeros((1, 28, 28), np.uint8), np.zeros(1, int), np.zeros(1, int), np.ones(1))
        recorder.write_graph(0, build_network(LenetConfig()).symbol.tojson())
    suffixes = [file.suffix for file in run_dir.trial_tensorboard(0).iterdir()]

    assert (len(suffixes), suffixes.count(".graph"), suffixes.count(".predictions")) == (3, 1, 1)
    assert len(read(run_dir.trial_tensorboard(0)).Images("samples/predictions")) == 1


def test_new_file_sorts_last_although_the_clock_was_set_back(recorder: Recorder, run_dir: RunDir) -> None:
    record_trials(recorder, [0])
    (file,) = run_dir.trial_tensorboard(0).iterdir()
    later = file.rename(file.with_name(f"events.out.tfevents.{time.time() + 3600:.6f}.host"))
    recorder.write_graph(0, build_network(LenetConfig()).symbol.tojson())
    first, second = sorted(run_dir.trial_tensorboard(0).iterdir())
    recorder.rebuild(0, "mlp", {}, [measurement(1)], TrialState.PRUNED)
    (rebuilt,) = run_dir.trial_tensorboard(0).iterdir()

    assert first == later
    assert rebuilt.name > second.name
    assert [step for step, _ in scalars(run_dir, 0)] == [1]


def test_first_images_written_twice_are_stored_once(recorder: Recorder, run_dir: RunDir) -> None:
    for _ in range(2):
        recorder.write_first_images(np.zeros((60, 28, 28), np.uint8), np.zeros(60, np.uint8))

    assert len(read(run_dir.study_tensorboard).Images("samples/first_images")) == 1


def test_folder_that_the_user_deleted_is_recreated(recorder: Recorder, run_dir: RunDir) -> None:
    recorder.notify(started(0, "mlp", {}, "worker-0"))
    recorder.notify(TrialMeasured(0, measurement(1)))
    for file in run_dir.trial_tensorboard(0).iterdir():
        file.unlink()
    run_dir.trial_tensorboard(0).rmdir()
    recorder.notify(TrialMeasured(0, measurement(2)))

    assert [step for step, _ in scalars(run_dir, 0)] == [2]
    assert "_hparams_/session_start_info" in hparams_tags(run_dir, 0)


def measurement(epoch: int, accuracy: float = 0.9) -> Measurement:
    """A measurement of an epoch that took ten seconds."""
    return Measurement(epoch, {OBJECTIVE: accuracy, "train/loss": 1 / epoch}, 10.0 * epoch)


def record_trials(recorder: Recorder, numbers: Iterable[int]) -> None:
    """Records trials of one epoch, from their start to their end."""
    for number in numbers:
        recorder.notify(started(number, "mlp", {"training.momentum": 0.5}, "worker-0"))
        recorder.notify(TrialMeasured(number, measurement(1)))
        recorder.notify(TrialEnded(number, TrialState.PRUNED, 0.9, None))


def kind_of(value: object) -> str:
    return {bool: "bool_value", int: "number_value", str: "string_value"}[type(value)]


def read(folder: Path) -> EventAccumulator:
    """Reads all events of a run."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    return events


def scalars(run_dir: RunDir, number: int) -> list[tuple[int, float]]:
    """The (step, value) pairs of a trial's objective."""
    return [(event.step, event.value) for event in read(run_dir.trial_tensorboard(number)).Scalars(OBJECTIVE)]


def hparams_tags(run_dir: RunDir, number: int) -> dict[str, bytes]:
    """What a trial writes for the HParams page: content by tag."""
    content: dict[str, bytes] = read(run_dir.trial_tensorboard(number)).PluginTagToContent("hparams")
    return content
