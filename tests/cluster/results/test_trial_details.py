"""All records of one trial, whether it failed or not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.results.trial_details import details_of, read_trial
from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.store.store import Store
from cluster.trial import AttemptRecord, TrialState
from mnist_core.errors import RunDirError
from mnist_core.measurement import Measurement


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.create(tmp_path / "run")


@pytest.fixture
def store(run_dir: RunDir) -> Iterator[Store]:
    with Store.create(run_dir.store, "details") as store:
        yield store


def test_failed_trial_has_its_attempts_epochs_and_traceback(run_dir: RunDir, store: Store) -> None:
    store.add_trial(0, "mlp", {"training.momentum": 0.5}, seed=7)
    store.start_attempt(0, "cpu-0")
    store.add_measurement(0, Measurement(1, {"val/loss": 0.5}, 1.5), 0.5)
    store.end_attempt(0, "crashed", "worker process 12 died")
    store.start_attempt(0, "cpu-1")
    store.fail_trial(0, "failed", "ValueError: wrong", "Traceback: there")
    details = read_trial(run_dir, 0)
    assert details.last_failure is not None
    assert (details.last_failure.error, details.last_failure.traceback) == ("ValueError: wrong", "Traceback: there")
    document = details.as_json()
    assert (document["error"], document["traceback"]) == ("ValueError: wrong", "Traceback: there")
    assert (document["state"], document["seed"], document["params"]) == ("FAIL", 7, {"training.momentum": 0.5})
    assert document["measurements"] == [{"epoch": 1, "elapsed_s": 1.5, "metrics": {"val/loss": 0.5}}]
    attempts = [(each.attempt, each.worker, each.outcome, each.error) for each in details.attempts]
    assert attempts == [
        (1, "cpu-0", "crashed", "worker process 12 died"),
        (2, "cpu-1", "failed", "ValueError: wrong"),
    ]


class ReaderOfRunningStudy(StudyReader):
    """A reader of a study whose driver records an epoch and the trial's end between two of its reads."""

    def attempts(self, number: int) -> list[AttemptRecord]:
        with Store.open(self.path) as driver:
            driver.add_measurement(number, Measurement(2, {"val/loss": 0.4}, 3.0), 0.4)
            driver.finish_trial(number, TrialState.COMPLETE, 0.4, "abc")
        return super().attempts(number)


def test_record_attempts_and_epochs_are_those_of_one_moment(run_dir: RunDir, store: Store) -> None:
    store.add_trial(0, "mlp", {}, seed=7)
    store.start_attempt(0, "cpu-0")
    store.add_measurement(0, Measurement(1, {"val/loss": 0.5}, 1.5), 0.5)
    with ReaderOfRunningStudy.open(run_dir.store) as reader:
        details = details_of(reader, 0, run_dir)
    assert (details.trial.state, details.trial.epochs) == (TrialState.RUNNING, 1)
    assert [attempt.outcome for attempt in details.attempts] == [None]
    assert [measurement.epoch for measurement in details.measurements] == [1]
    later = read_trial(run_dir, 0)
    assert (later.trial.state, len(later.measurements)) == (TrialState.COMPLETE, 2)


def test_traceback_belongs_to_the_same_attempt_as_the_error(run_dir: RunDir, store: Store) -> None:
    store.add_trial(0, "mlp", {}, seed=7)
    store.start_attempt(0, "cpu-0")
    store.end_attempt(0, "failed", "OSError: passing", "Traceback: passing")
    store.start_attempt(0, "cpu-0")
    store.fail_trial(0, "crashed", "worker process 7 died")
    details = read_trial(run_dir, 0)
    assert details.last_failure == details.attempts[1]
    assert details.as_json()["traceback"] is None


def test_complete_trial_keeps_the_failure_of_an_earlier_attempt(run_dir: RunDir, store: Store) -> None:
    store.add_trial(0, "mlp", {}, seed=7)
    store.start_attempt(0, "cpu-0")
    store.end_attempt(0, "failed", "OSError: passing", "Traceback: passing")
    store.start_attempt(0, "cpu-0")
    store.finish_trial(0, TrialState.COMPLETE, 0.5)
    details = read_trial(run_dir, 0)
    assert details.last_failure == details.attempts[0]
    assert details.as_json()["error"] is None


@pytest.mark.parametrize("time", ["1e300", "'nan'", "-1", "9e999"])
def test_time_that_is_not_a_valid_date_is_rejected(time: str, run_dir: RunDir, store: Store) -> None:
    store.add_trial(0, "mlp", {}, seed=7)
    store.start_attempt(0, "cpu-0")
    store.connection.execute(f"UPDATE attempts SET started_at = {time}")
    with pytest.raises(RunDirError, match="cannot be read as a study store"):
        read_trial(run_dir, 0)


def test_error_for_a_missing_trial_names_the_existing_ones(run_dir: RunDir, store: Store) -> None:
    with pytest.raises(RunDirError, match="has no trial 0: it has none yet"):
        read_trial(run_dir, 0)
    store.add_trial(0, "mlp", {}, seed=7)
    with pytest.raises(RunDirError, match="has no trial -1: its trials are 0 to 0"):
        read_trial(run_dir, -1)
