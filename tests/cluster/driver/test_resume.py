"""One driver after another on a run directory: after kills, interruptions and restarts."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import override

from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.spec.spec_file import load_spec
from cluster.trial import TrialSpec, TrialState
from mnist_core.data.dataset import Dataset
from tests.cluster.driver.faulty_pool import Fault, FaultyPool, losing_worker_at_epoch, no_fault, reporting
from tests.cluster.driver.small_study import SPEC, SPEC_TRIALS, Clock, Study, run_until_measured


def test_next_driver_deletes_old_checkpoints_that_a_killed_driver_left(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    run.driver().run()
    kept = sorted(run.run_dir.trial_checkpoints(0).iterdir())
    run.checkpoints.save(0, 0, kept[0].read_bytes())
    run.checkpoints = Checkpoints(run.run_dir)
    run.driver()
    assert sorted(run.run_dir.trial_checkpoints(0).iterdir()) == kept


def test_next_driver_deletes_the_checkpoints_of_a_pruned_trial(
    study: Callable[..., Study],
) -> None:
    run = study("trials=1")
    run.driver().run()
    (trial,) = run.trials()
    run.store.finish_trial(0, TrialState.PRUNED, trial.value)
    run.driver()
    assert not run.run_dir.trial_checkpoints(0).exists()


class Killed(BaseException):
    """Stands in for a kill of the driver."""


class DyingAfterSave(Checkpoints):
    """Raises Killed right after a checkpoint is written, before its epoch is committed."""

    def __init__(self, run_dir: RunDir, epoch: int) -> None:
        super().__init__(run_dir)
        self._epoch = epoch

    @override
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


def test_checkpoints_ahead_of_a_store_without_epochs_are_deleted(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    for ahead in (2, 3):
        run.checkpoints.save(0, ahead, b"of a driver that was killed before it committed any epoch")
    assert run_until_measured(run, 1) == "enough"
    assert [path.name for path in run.run_dir.trial_checkpoints(0).iterdir()] == [run.run_dir.checkpoint(0, 1).name]


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


def test_study_that_reached_its_objective_starts_no_trial_when_resumed(study: Callable[..., Study]) -> None:
    run = study("stop.objective=0.0", "trials=5")
    run.driver().run()
    assert run.driver().run() == "trial 0 reached the objective 0.0"
    assert run.states() == ["COMPLETE"]


@pytest.mark.parametrize("pruner", ["asha", "hyperband", "median", "percentile"])
@pytest.mark.parametrize("trials", [1, 3])
def test_diverged_trial_does_not_change_pruning_after_a_resume(
    trials: int, pruner: str, tmp_path: Path, small_dataset: Dataset
) -> None:
    ends = []
    for name, sessions in (("whole", [6]), ("resumed", [trials, 6])):
        (tmp_path / name).mkdir()
        options = "n_startup_trials: 1" if pruner in ("median", "percentile") else "reduction_factor: 2"
        spec = load_spec(SPEC, ["training.epochs=4", f"search.pruner={{kind: {pruner}, {options}}}"])
        run = Study(tmp_path / name, small_dataset, spec)
        for session in sessions:
            run.spec = spec.model_copy(update={"trials": session})
            run.driver(reporting("val/loss", math.nan, {0, 2, 4})).run()
        ends.append([(trial.state, trial.epochs, trial.value) for trial in run.trials()])
    assert ends[0] == ends[1]
    assert [state for state, _, _ in ends[0]].count(TrialState.FAIL) == 3


def test_trial_that_was_interrupted_after_its_last_epoch_completes_with_its_value(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    run.driver().run()
    (before,) = run.trials()
    values = [measured.metrics["val/accuracy"] for measured in run.store.measurements(0)]
    assert before.value == values[-1] != values[-2]
    run.store.end_attempt(0, "interrupted")
    run.driver().run()
    (after,) = run.trials()
    assert (after.state, after.attempts) == (TrialState.COMPLETE, 2)
    assert (after.value, after.weights_sha256) == (before.value, before.weights_sha256)


@pytest.mark.parametrize("sessions", [[2], [1, 2]])
def test_trial_is_pruned_against_the_complete_ones_of_all_sessions(
    sessions: list[int], study: Callable[..., Study]
) -> None:
    run = study("search.pruner={kind: median, n_startup_trials: 1}")
    good, bad = (
        [reporting("val/accuracy", value, {number}, epoch) for epoch in (1, 2, 3)]
        for number, value in ((0, 0.9), (1, 0.1))
    )
    for trials in sessions:
        run.spec = run.spec.model_copy(update={"trials": trials})
        run.driver(lambda event: next((wrong for fault in good + bad if (wrong := fault(event))), None)).run()
    assert [(trial.state, trial.epochs) for trial in run.trials()] == [(TrialState.COMPLETE, 3), (TrialState.PRUNED, 1)]


class RecordingPool(FaultyPool):
    """Records each trial that is started, and whether on a fresh worker."""

    def __init__(self, dataset: Dataset, fault: Fault) -> None:
        super().__init__(dataset, fault)
        self.started: list[tuple[int, bool]] = []

    @override
    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        self.started.append((trial.number, fresh))
        super().start(worker, trial, fresh=fresh)


def started_after_two_crashes(run: Study, fault: Fault) -> list[tuple[int, bool]]:
    """Runs a study whose first trial has crashed two workers; returns the starts of a RecordingPool."""
    run.store.add_trial(0, "mlp", {"training.learning_rate": 0.1}, 0)
    for _ in range(2):
        run.store.start_attempt(0, "cpu-0")
        run.store.end_attempt(0, "crashed", "died")
    pool = RecordingPool(run.dataset, fault)
    run.driver_of(pool, Clock()).run()
    return pool.started


def test_quarantined_trial_and_the_next_one_get_fresh_workers_after_a_restart(study: Callable[..., Study]) -> None:
    run = study("trials=3")
    assert started_after_two_crashes(run, no_fault) == [(0, True), (1, True), (2, False)]
    assert run.states() == ["COMPLETE"] * 3


def test_worker_that_replaces_one_lost_in_quarantine_is_fresh_already(study: Callable[..., Study]) -> None:
    run = study("trials=2")
    assert started_after_two_crashes(run, losing_worker_at_epoch(1)) == [(0, True), (1, False)]
    assert run.states() == ["FAIL", "COMPLETE"]
