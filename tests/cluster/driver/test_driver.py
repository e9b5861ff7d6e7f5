"""The driver with a real store, a real search and a pool in this process: how each trial ends."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.driver.driver import DIVERGED, Driver
from cluster.driver.parts import StudyParts
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.search.search import Search
from cluster.spec.spec_file import load_spec
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from cluster.trial import TrialRecord, TrialSpec, TrialState
from cluster.workers.events import Finished, Measured, Ready, WorkerEvent
from mnist_core.data.dataset import Dataset
from mnist_core.measurement import Measurement
from tests.cluster.driver.faulty_pool import (
    Fault,
    FaultyPool,
    failing,
    hanging_at_epoch,
    losing_worker_at_epoch,
    no_fault,
    reporting,
)

SPEC = """
name: driver
data: {holdout: 56}
model: {kind: mlp, hidden: [16], initializer: xavier}
training: {epochs: 3, batch_size: 50}
search:
  space: {training.learning_rate: {low: 0.01, high: 0.3, log: true}}
  sampler: {kind: random}
trials: 3
"""


SPEC_TRIALS = 3


class Clock:
    """A clock that moves when it is read, so that waiting takes no time."""

    def __init__(self, step_s: float = 1.0) -> None:
        self.now_s, self.step_s = 0.0, step_s

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


class Study:
    """A run directory whose driver can be recreated, as after a restart."""

    def __init__(self, folder: Path, dataset: Dataset, spec: StudySpec) -> None:
        self.run_dir = RunDir.create(folder / "run")
        self.store = Store.create(self.run_dir.store, spec.name)
        self.checkpoints = Checkpoints(self.run_dir)
        self.dataset, self.spec = dataset, spec

    def driver(self, fault: Fault = no_fault, clock: Callable[[], float] | None = None) -> Driver:
        pool = FaultyPool(self.dataset, fault)
        parts = StudyParts(self.store, Search(self.spec), pool, self.checkpoints)
        return Driver(self.spec, parts, clock or Clock())

    def trials(self) -> list[TrialRecord]:
        return self.store.trials()

    def states(self) -> list[str]:
        return [trial.state.value for trial in self.trials()]


@pytest.fixture
def study(tmp_path: Path, small_dataset: Dataset) -> Callable[..., Study]:
    def make(*overrides: str) -> Study:
        return Study(tmp_path, small_dataset, load_spec(SPEC, overrides))

    return make


def test_every_trial_completes_with_a_row_for_each_epoch(study: Callable[..., Study]) -> None:
    run = study()
    assert run.driver().run() is None
    assert run.states() == ["COMPLETE"] * 3
    for trial in run.trials():
        assert [m.epoch for m in run.store.measurements(trial.number)] == [1, 2, 3]
        assert trial.value == run.store.measurements(trial.number)[-1].metrics["val/accuracy"]
        assert (trial.attempts, trial.error) == (1, None)
        assert trial.weights_sha256 is not None


def test_only_the_best_trial_keeps_its_final_weights(study: Callable[..., Study]) -> None:
    run = study()
    run.driver().run()
    best = max(run.trials(), key=lambda trial: (trial.value or 0.0, -trial.number))
    for trial in run.trials():
        assert run.run_dir.trial_checkpoints(trial.number).exists() == (trial.number == best.number)
    assert run.checkpoints.load_final(best.number, best.weights_sha256).epoch == 3


def test_checkpoints_left_by_a_killed_driver_are_deleted_by_the_next(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    run.driver().run()
    kept = sorted(run.run_dir.trial_checkpoints(0).iterdir())
    run.checkpoints.save(0, 0, kept[0].read_bytes())
    run.checkpoints = Checkpoints(run.run_dir)
    run.driver()
    assert sorted(run.run_dir.trial_checkpoints(0).iterdir()) == kept


def test_failed_trial_is_retried_and_completes(study: Callable[..., Study]) -> None:
    run = study()
    run.driver(failing(times=2)).run()
    assert run.states() == ["COMPLETE"] * 3
    assert max(trial.attempts for trial in run.trials()) >= 2


def test_trial_that_fails_every_attempt_is_fail_with_cause_and_traceback(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    run.driver(failing(times=3)).run()
    (trial,) = run.trials()
    assert (trial.state, trial.attempts) == (TrialState.FAIL, 3)
    assert trial.error == "RuntimeError: on demand"
    assert trial.traceback == "Traceback: on demand"


def test_trial_that_cannot_succeed_is_not_retried(study: Callable[..., Study]) -> None:
    run = study("trials=2")
    run.driver(failing(times=1, retryable=False)).run()
    assert sorted(run.states()) == ["COMPLETE", "FAIL"]
    assert [trial.attempts for trial in run.trials()] == [1, 1]


@pytest.mark.parametrize("epochs", [1, 3])
def test_trial_fails_every_attempt_in_its_last_epoch(epochs: int, study: Callable[..., Study]) -> None:
    run = study("trials=1", f"training.epochs={epochs}", "limits.attempts=1")
    run.driver(failing(times=1)).run()
    assert [(trial.state, trial.attempts) for trial in run.trials()] == [(TrialState.FAIL, 1)]


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_lost_worker_changes_no_weights(epoch: int, tmp_path: Path, small_dataset: Dataset) -> None:
    hashes = []
    for name, fault in (("undisturbed", no_fault), ("lost", losing_worker_at_epoch(epoch))):
        (tmp_path / name).mkdir()
        run = Study(tmp_path / name, small_dataset, load_spec(SPEC, ["trials=1"]))
        run.driver(fault).run()
        (trial,) = run.trials()
        assert trial.state is TrialState.COMPLETE
        assert [m.epoch for m in run.store.measurements(0)] == [1, 2, 3]
        hashes.append(trial.weights_sha256)
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize("metric", ["train/loss", "val/loss"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("epoch", [1, 3])
def test_trial_with_a_loss_that_is_not_finite_is_fail_and_never_best(
    metric: str, value: float, epoch: int, study: Callable[..., Study]
) -> None:
    run = study()
    run.driver(reporting(metric, value, {0}, epoch)).run()
    first, *others = run.trials()
    assert (first.state, first.error, first.attempts, first.epochs) == (TrialState.FAIL, DIVERGED, 1, epoch)
    assert [trial.state for trial in others] == [TrialState.COMPLETE] * 2
    assert not run.run_dir.trial_checkpoints(0).exists()


class Killed(BaseException):
    """Stands for the death of the driver."""


class DyingAfterSave(Checkpoints):
    """Ends the process right after a checkpoint is written, before the epoch is committed."""

    def __init__(self, run_dir: RunDir, epoch: int) -> None:
        super().__init__(run_dir)
        self._epoch = epoch

    def save(self, number: int, epoch: int, state: bytes) -> None:
        super().save(number, epoch, state)
        if epoch == self._epoch:
            raise Killed


@pytest.mark.parametrize(("epochs", "killed_at"), [(1, 1), (3, 1), (3, 2), (3, 3)])
def test_checkpoint_ahead_of_the_store_is_not_resumed_from(
    epochs: int, killed_at: int, tmp_path: Path, small_dataset: Dataset
) -> None:
    runs = {}
    for name in ("undisturbed", "killed"):
        (tmp_path / name).mkdir()
        spec = load_spec(SPEC, ["trials=1", f"training.epochs={epochs}"])
        runs[name] = run = Study(tmp_path / name, small_dataset, spec)
        if name == "killed":
            run.checkpoints = DyingAfterSave(run.run_dir, killed_at)
            with pytest.raises(Killed):
                run.driver().run()
            assert run.run_dir.checkpoint(0, killed_at).exists()
            assert run.store.last_epoch(0) == killed_at - 1
            run.checkpoints = Checkpoints(run.run_dir)
        run.driver().run()
    ends = [
        (trial.state, trial.value, trial.epochs, trial.weights_sha256)
        for run in runs.values()
        for trial in run.trials()
    ]
    assert ends[0] == ends[1]
    assert [m.epoch for m in runs["killed"].store.measurements(0)] == list(range(1, epochs + 1))


def test_checkpoints_ahead_of_a_store_without_epochs_are_replaced(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    for ahead in (2, 3):
        run.checkpoints.save(0, ahead, b"of a driver that was killed before it committed any epoch")
    assert run_until_measured(run, 1) == "enough"
    assert [path.name for path in run.run_dir.trial_checkpoints(0).iterdir()] == [run.run_dir.checkpoint(0, 1).name]


def test_pruned_trials_stop_early_and_free_their_worker(study: Callable[..., Study]) -> None:
    run = study("trials=8", "search.pruner={kind: asha, min_resource: 1, reduction_factor: 2}")
    run.driver().run()
    pruned = [trial for trial in run.trials() if trial.state is TrialState.PRUNED]
    assert pruned
    assert all(trial.epochs < 3 and trial.value is not None for trial in pruned)
    assert all(trial.state.is_finished() for trial in run.trials())
    assert not any(run.run_dir.trial_checkpoints(trial.number).exists() for trial in pruned)


def test_interrupted_study_ends_with_the_weights_of_an_undisturbed_one(tmp_path: Path, small_dataset: Dataset) -> None:
    for name in ("undisturbed", "interrupted"):
        (tmp_path / name).mkdir()
    undisturbed = Study(tmp_path / "undisturbed", small_dataset, load_spec(SPEC))
    undisturbed.driver().run()

    interrupted = Study(tmp_path / "interrupted", small_dataset, load_spec(SPEC))
    stops = 0
    while sum(trial.state.is_finished() for trial in interrupted.trials()) < SPEC_TRIALS:
        stops += run_until_measured(interrupted, 2) == "enough"
    assert stops >= 2
    assert [(t.number, t.params, t.weights_sha256) for t in interrupted.trials()] == [
        (t.number, t.params, t.weights_sha256) for t in undisturbed.trials()
    ]
    for trial in interrupted.trials():
        assert [m.epoch for m in interrupted.store.measurements(trial.number)] == [1, 2, 3]


def test_study_stops_when_a_trial_reaches_the_objective(study: Callable[..., Study]) -> None:
    run = study("stop.objective=0.0", "trials=5")
    reason = run.driver().run()
    assert reason == "trial 0 reached the objective 0.0"
    assert run.states() == ["COMPLETE"]


def test_study_that_reached_its_objective_starts_nothing_when_resumed(study: Callable[..., Study]) -> None:
    run = study("stop.objective=0.0", "trials=5")
    run.driver().run()
    assert run.driver().run() == "trial 0 reached the objective 0.0"
    assert run.states() == ["COMPLETE"]


def test_value_is_that_of_the_last_epoch_even_if_an_earlier_one_is_repeated(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    first, third = (Measurement(epoch, {"val/accuracy": epoch / 10}, 1.0) for epoch in (1, 3))
    run.store.add_trial(0, "mlp", {"training.learning_rate": 0.1}, 0)
    for measurement in (third, first):
        run.store.add_measurement(0, measurement, measurement.metrics["val/accuracy"])
    (trial,) = run.trials()
    assert (trial.epochs, trial.value, trial.metrics["val/accuracy"]) == (3, 0.3, 0.3)


def test_checkpoints_of_a_pruned_trial_left_by_a_killed_driver_are_deleted(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    run.driver().run()
    (trial,) = run.trials()
    run.store.finish_trial(0, TrialState.PRUNED, trial.value)
    run.driver()
    assert not run.run_dir.trial_checkpoints(0).exists()


def test_study_stops_when_its_minutes_are_up(study: Callable[..., Study]) -> None:
    run = study("limits.minutes=0.05", "trials=100")
    reason = run.driver(clock=Clock(step_s=0.5)).run()
    assert reason is not None
    assert "limits.minutes" in reason
    assert len(run.trials()) < 100


def test_hung_worker_is_killed_and_its_trial_resumes(study: Callable[..., Study]) -> None:
    run = study("trials=1", "limits.epoch_timeout_s=30")
    run.driver(hanging_at_epoch(2), Clock(step_s=1.0)).run()
    (trial,) = run.trials()
    assert (trial.state, trial.attempts) == (TrialState.COMPLETE, 2)
    assert [m.epoch for m in run.store.measurements(0)] == [1, 2, 3]


def test_ctrl_c_counts_even_if_the_study_is_already_stopping(study: Callable[..., Study]) -> None:
    run = study("limits.minutes=0.05", "trials=100")
    driver = run.driver(clock=Clock(step_s=0.5))
    ended = driver.run()
    driver.request_stop("interrupted")
    assert str(ended).startswith("limits.minutes")
    assert driver.run() == "interrupted"


class FreshStartRecordingPool(FaultyPool):
    """Records for each started trial whether it gets a fresh worker."""

    def __init__(self, dataset: Dataset, fault: Fault) -> None:
        super().__init__(dataset, fault)
        self.started: list[tuple[int, bool]] = []

    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        self.started.append((trial.number, fresh))
        super().start(worker, trial, fresh=fresh)


def test_quarantined_trial_and_the_one_after_it_get_a_fresh_worker_also_after_a_restart(
    study: Callable[..., Study], small_dataset: Dataset
) -> None:
    run = study("trials=3")
    run.store.add_trial(0, "mlp", {"training.learning_rate": 0.1}, 0)
    for _ in range(2):
        run.store.start_attempt(0, "cpu-0")
        run.store.end_attempt(0, "crashed", "died")
    pool = FreshStartRecordingPool(small_dataset, no_fault)
    parts = StudyParts(run.store, Search(run.spec), pool, run.checkpoints)
    Driver(run.spec, parts, Clock()).run()
    assert run.states() == ["COMPLETE"] * 3
    assert pool.started == [(0, True), (1, True), (2, False)]


def test_events_of_one_trial_come_in_the_order_of_the_protocol(study: Callable[..., Study]) -> None:
    run, kinds = study("trials=1"), []

    def record(event: WorkerEvent) -> None:
        kinds.append(type(event))

    run.driver(record).run()
    assert kinds == [Ready, Measured, Measured, Finished]


def run_until_measured(study: Study, count: int) -> str | None:
    """Runs a new driver, and asks it to stop after `count` measurements."""
    seen: list[WorkerEvent] = []

    def fault(event: WorkerEvent) -> None:
        seen.append(event)
        if sum(isinstance(each, Measured) for each in seen) == count:
            driver.request_stop("enough")

    driver = study.driver(fault)
    return driver.run()
