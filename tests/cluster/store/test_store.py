"""The study store: what each transaction records, and that it is read back equal."""

import math
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.store.store import Store
from cluster.trial import AttemptOutcome, TrialState
from mnist_core.measurement import Measurement

CONFUSION = {"parity": ((5, 1), (2, 4))}


def measurement(epoch: int, accuracy: float = 0.5) -> Measurement:
    return Measurement(epoch, {"val/accuracy": accuracy, "val/loss": 1.0}, 1.5 * epoch, CONFUSION)


def add_running(store: Store, number: int = 0, worker: str = "cpu-0") -> None:
    store.add_trial(number, "mlp", {"training.learning_rate": 0.1}, seed=7)
    store.start_attempt(number, worker)


def reopened(store: Store, path: Path) -> Store:
    store.close()
    return Store.open(path)


def test_new_study_is_running_and_has_no_trials(store: Store) -> None:
    assert store.study() == ("running", None)
    assert store.trials() == []
    assert store.measurements(0) == []


def test_study_state_and_reason_survive_reopening(store: Store, path: Path) -> None:
    store.set_study("interrupted", "Ctrl-C")
    again = reopened(store, path)
    assert again.study() == ("interrupted", "Ctrl-C")
    again.set_study("running")
    assert again.study() == ("running", None)
    again.close()


def test_added_trial_waits_and_has_no_results_yet(store: Store) -> None:
    params: dict[str, float | int | str | bool] = {"a": 0.1, "b": 3, "c": "relu", "d": True}
    store.add_trial(4, "lenet", params, seed=2**64 - 1)
    (trial,) = store.trials()
    assert (trial.number, trial.state, trial.model, trial.params) == (4, TrialState.WAITING, "lenet", params)
    assert (trial.seed, trial.epochs, trial.value, trial.metrics, trial.seconds) == (2**64 - 1, 0, None, {}, 0.0)
    assert (trial.attempts, trial.worker, trial.error, trial.traceback) == (0, None, None, None)
    assert (trial.weights_sha256, trial.test) == (None, None)


def test_started_trial_runs_on_its_last_worker(store: Store) -> None:
    add_running(store, worker="cpu-0")
    store.end_attempt(0, "lost", "killed")
    store.start_attempt(0, "cpu-1")
    (trial,) = store.trials()
    assert (trial.state, trial.attempts, trial.worker) == (TrialState.RUNNING, 2, "cpu-1")


@pytest.mark.parametrize("outcome", ["failed", "crashed", "lost", "interrupted"])
def test_trial_whose_attempt_ended_waits_again_without_an_error(outcome: AttemptOutcome, store: Store) -> None:
    add_running(store)
    store.end_attempt(0, outcome, "cause", "traceback")
    (trial,) = store.trials()
    assert (trial.state, trial.error, trial.traceback) == (TrialState.WAITING, None, None)


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED])
def test_finished_trial_survives_reopening(state: TrialState, store: Store, path: Path) -> None:
    add_running(store)
    store.add_measurement(0, measurement(1, 0.25), 0.25)
    store.finish_trial(0, state, 0.25, "abc")
    again = reopened(store, path)
    (trial,) = again.trials()
    assert (trial.state, trial.value, trial.weights_sha256) == (state, 0.25, "abc")
    assert (trial.epochs, trial.seconds, trial.metrics) == (1, 1.5, {"val/accuracy": 0.25, "val/loss": 1.0})
    again.close()


def test_failed_trial_survives_reopening_with_cause_and_traceback(store: Store, path: Path) -> None:
    add_running(store)
    store.fail_trial(0, "failed", "the cause", "Traceback: ...")
    again = reopened(store, path)
    (trial,) = again.trials()
    assert (trial.state, trial.error, trial.traceback) == (TrialState.FAIL, "the cause", "Traceback: ...")
    again.close()


def test_trials_are_sorted_by_number(store: Store) -> None:
    for number in (2, 0, 1):
        store.add_trial(number, "mlp", {}, seed=number)
    assert [trial.number for trial in store.trials()] == [0, 1, 2]


def test_measurements_are_read_back_equal_and_sorted_by_epoch(store: Store) -> None:
    add_running(store)
    for epoch in (2, 1):
        store.add_measurement(0, measurement(epoch), 0.5)
    assert store.measurements(0) == [measurement(1), measurement(2)]


def test_second_measurement_of_an_epoch_replaces_the_first(store: Store) -> None:
    add_running(store)
    store.add_measurement(0, measurement(1, 0.1), 0.1)
    store.add_measurement(0, measurement(1, 0.2), 0.2)
    assert store.measurements(0) == [measurement(1, 0.2)]
    assert store.trials()[0].value == 0.2


def test_value_is_that_of_the_last_epoch_if_an_earlier_one_is_trained_again(store: Store) -> None:
    add_running(store)
    for epoch in (3, 1):
        store.add_measurement(0, measurement(epoch, epoch / 10), epoch / 10)
    (trial,) = store.trials()
    assert (trial.epochs, trial.value, trial.metrics["val/accuracy"]) == (3, 0.3, 0.3)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_metric_that_is_not_finite_is_read_back_unchanged(number: float, store: Store) -> None:
    add_running(store)
    store.add_measurement(0, measurement(1, number), number)
    (read,) = store.measurements(0)
    assert read.metrics["val/accuracy"] == pytest.approx(number, nan_ok=True)
    assert store.trials()[0].metrics["val/accuracy"] == pytest.approx(number, nan_ok=True)


@given(outcomes=st.lists(st.sampled_from(["failed", "crashed", "lost", "interrupted"]), max_size=8))
def test_every_attempt_is_counted_but_interruptions_are_not_failures(
    outcomes: list[AttemptOutcome], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Store.create(tmp_path_factory.mktemp("store") / "study.db", "study")
    for number in (0, 1):
        store.add_trial(number, "mlp", {}, seed=0)
    for outcome in outcomes:
        store.start_attempt(0, "cpu-0")
        store.end_attempt(0, outcome)
    counted, other = store.trials()
    assert (counted.attempts, other.attempts) == (len(outcomes), 0)
    wrong = len(outcomes) - outcomes.count("interrupted")
    assert (store.failure_counts(0), store.failure_counts(1)) == ((wrong, outcomes.count("crashed")), (0, 0))
    store.close()


def test_trials_that_ran_when_the_driver_died_wait_again_without_a_failure(store: Store) -> None:
    for number in (0, 1):
        add_running(store, number)
    store.finish_trial(1, TrialState.COMPLETE, 0.5, "abc")
    store.requeue_running()
    assert [trial.state for trial in store.trials()] == [TrialState.WAITING, TrialState.COMPLETE]
    assert store.failure_counts(0) == (0, 0)


def test_test_metrics_are_kept_with_their_trial(store: Store) -> None:
    add_running(store)
    store.set_test(0, {"test/accuracy": 0.9})
    assert store.trials()[0].test == {"test/accuracy": 0.9}


def test_trial_added_twice_is_rejected_and_the_first_is_kept(store: Store) -> None:
    store.add_trial(0, "mlp", {}, seed=1)
    with pytest.raises(sqlite3.IntegrityError):
        store.add_trial(0, "lenet", {}, seed=2)
    assert [(trial.model, trial.seed) for trial in store.trials()] == [("mlp", 1)]


def test_attempts_have_their_outcome_error_and_traceback(store: Store) -> None:
    store.add_trial(0, "mlp", {}, seed=0)
    store.start_attempt(0, "cpu-0")
    store.end_attempt(0, "failed", "ValueError: wrong", "Traceback: there")
    store.start_attempt(0, "cpu-1")
    first, second = store.attempts(0)
    assert (first.attempt, first.worker, first.outcome) == (1, "cpu-0", "failed")
    assert (first.error, first.traceback) == ("ValueError: wrong", "Traceback: there")
    assert first.ended_at is not None
    assert first.started_at <= first.ended_at
    assert (second.attempt, second.worker, second.outcome, second.ended_at) == (2, "cpu-1", None, None)


@pytest.mark.parametrize(("state", "outcome"), [(TrialState.COMPLETE, "complete"), (TrialState.PRUNED, "pruned")])
def test_last_attempt_ends_with_its_trial(state: TrialState, outcome: AttemptOutcome, store: Store) -> None:
    add_running(store)
    store.end_attempt(0, "lost", "node died")
    store.start_attempt(0, "cpu-1")
    store.finish_trial(0, state, 0.5)
    assert [(each.outcome, each.error) for each in store.attempts(0)] == [("lost", "node died"), (outcome, None)]


def test_last_attempt_of_a_failed_trial_has_its_error_and_traceback(store: Store) -> None:
    for number in (0, 1):
        add_running(store, number)
    store.fail_trial(0, "crashed", "it died", "Traceback: there")
    (failed,), (other,) = store.attempts(0), store.attempts(1)
    assert (failed.outcome, failed.error, failed.traceback) == ("crashed", "it died", "Traceback: there")
    assert (other.outcome, other.error, other.ended_at) == (None, None, None)
    assert failed.ended_at is not None


def test_attempt_that_ran_when_the_driver_died_was_interrupted(store: Store) -> None:
    add_running(store)
    store.requeue_running()
    assert [each.outcome for each in store.attempts(0)] == ["interrupted"]


def test_transaction_that_fails_in_its_second_statement_changes_nothing(store: Store) -> None:
    store.add_trial(0, "mlp", {}, seed=0)
    with pytest.raises(sqlite3.IntegrityError):
        store.start_attempt(0, worker=None)  # type: ignore[arg-type]
    (trial,) = store.trials()
    assert (trial.state, trial.attempts) == (TrialState.WAITING, 0)
