"""The driver with a real store, a real search and a pool in this process: how each trial ends."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.spec.spec_file import load_spec
from cluster.store.store import Store
from cluster.trial import DIVERGED, TrialState
from cluster.workers.events import Finished, Measured, Ready, WorkerEvent
from mnist_core.data.dataset import Dataset
from tests.cluster.driver.faulty_pool import (
    failing,
    losing_worker_at_epoch,
    no_fault,
    reporting,
)
from tests.cluster.driver.small_study import SPEC, Study
from tests.faults.kit.first_version import downgrade_store

METRICS = {
    "train/loss",
    "train/accuracy",
    "val/loss",
    "val/accuracy",
    "val/digit_accuracy",
    "perf/samples_per_second",
}


def test_every_trial_completes_with_a_measurement_for_each_epoch(study: Callable[..., Study]) -> None:
    run = study()
    assert run.driver().run() is None
    assert run.states() == ["COMPLETE"] * 3
    for trial in run.trials():
        assert [m.epoch for m in run.store.measurements(trial.number)] == [1, 2, 3]
        assert trial.value == run.store.measurements(trial.number)[-1].metrics["val/accuracy"]
        assert (trial.attempts, trial.error) == (1, None)
        assert trial.weights_sha256 is not None
        assert set(trial.metrics) == METRICS


def test_study_of_an_older_version_keeps_its_metrics(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    run.store.close()
    downgrade_store(run.run_dir.store)
    run.store = Store.open(run.run_dir.store)
    run.driver().run()
    (trial,) = run.trials()
    assert (trial.state, set(trial.metrics)) == (TrialState.COMPLETE, METRICS - {"val/digit_accuracy"})
    assert trial.seed < 2**32


@pytest.mark.parametrize("sessions", [[3], [1, 2, 3]])
def test_only_the_best_trial_keeps_its_final_weights(sessions: list[int], study: Callable[..., Study]) -> None:
    run = study()
    for trials in sessions:
        run.spec = run.spec.model_copy(update={"trials": trials})
        run.driver().run()
    best = max(run.trials(), key=lambda trial: (trial.value or 0.0, -trial.number))
    for trial in run.trials():
        assert run.run_dir.trial_checkpoints(trial.number).exists() == (trial.number == best.number)
    assert run.checkpoints.load_final(best.number, best.weights_sha256).epoch == 3


def test_failed_trial_is_retried_and_completes(study: Callable[..., Study]) -> None:
    run = study()
    run.driver(failing(times=2)).run()
    assert run.states() == ["COMPLETE"] * 3
    assert max(trial.attempts for trial in run.trials()) >= 2


def test_trial_that_fails_every_attempt_fails_with_cause_and_traceback(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    run.driver(failing(times=3)).run()
    (trial,) = run.trials()
    assert (trial.state, trial.attempts) == (TrialState.FAIL, 3)
    assert trial.error == "RuntimeError: on demand"
    assert trial.traceback == "Traceback: on demand"


def test_trial_with_a_permanent_error_is_not_retried(study: Callable[..., Study]) -> None:
    run = study("trials=2")
    run.driver(failing(times=1, retryable=False)).run()
    assert sorted(run.states()) == ["COMPLETE", "FAIL"]
    assert [trial.attempts for trial in run.trials()] == [1, 1]


@pytest.mark.parametrize("epochs", [1, 3])
def test_trial_fails_if_its_only_attempt_fails(epochs: int, study: Callable[..., Study]) -> None:
    run = study("trials=1", f"training.epochs={epochs}", "limits.attempts=1")
    run.driver(failing(times=1)).run()
    assert [(trial.state, trial.attempts) for trial in run.trials()] == [(TrialState.FAIL, 1)]


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_lost_worker_does_not_change_the_final_weights(epoch: int, tmp_path: Path, small_dataset: Dataset) -> None:
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
def test_trial_whose_loss_is_not_finite_fails_and_keeps_no_weights(
    metric: str, value: float, epoch: int, study: Callable[..., Study]
) -> None:
    run = study()
    run.driver(reporting(metric, value, {0}, epoch)).run()
    first, *others = run.trials()
    assert (first.state, first.error, first.attempts, first.epochs) == (TrialState.FAIL, DIVERGED, 1, epoch)
    assert [trial.state for trial in others] == [TrialState.COMPLETE] * 2
    assert not run.run_dir.trial_checkpoints(0).exists()


def test_pruned_trials_stop_early_and_free_their_worker(study: Callable[..., Study]) -> None:
    run = study("trials=8", "search.pruner={kind: asha, min_resource: 1, reduction_factor: 2}")
    run.driver().run()
    pruned = [trial for trial in run.trials() if trial.state is TrialState.PRUNED]
    assert pruned
    assert all(trial.epochs < 3 and trial.value is not None for trial in pruned)
    assert all(trial.state.is_finished() for trial in run.trials())
    assert not any(run.run_dir.trial_checkpoints(trial.number).exists() for trial in pruned)


@pytest.mark.parametrize(("epoch", "state"), [(2, TrialState.PRUNED), (3, TrialState.COMPLETE)])
def test_trial_is_pruned_after_its_last_epoch_but_one_and_complete_after_its_last(
    epoch: int, state: TrialState, study: Callable[..., Study]
) -> None:
    run = study("trials=1", "search.pruner={kind: threshold, lower: 0.0}")
    run.driver(reporting("val/accuracy", -1.0, {0}, epoch)).run()
    assert [(trial.state, trial.epochs, trial.value) for trial in run.trials()] == [(state, epoch, -1.0)]


def test_events_of_a_trial_come_in_the_order_of_the_protocol(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    kinds = []

    def record(event: WorkerEvent) -> None:
        kinds.append(type(event))

    run.driver(record).run()
    assert kinds == [Ready, Measured, Measured, Finished]
