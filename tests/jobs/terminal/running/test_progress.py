"""The progress of a running study: counts, the best trial and the time left."""

import pytest

from cluster.driver.observer import TrialEnded, TrialMeasured, TrialWaiting
from cluster.spec.spec_file import load_spec
from cluster.trial import TrialState
from jobs.terminal.running.progress import Progress
from mnist_core.measurement import Measurement
from tests.support.records import finished_trial, started

SPEC = """
name: progress
training: {epochs: 4}
search:
  space: {training.epochs: {choices: [4, 8]}}
trials: 4
"""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def progress(clock: Clock, *overrides: str) -> Progress:
    return Progress(load_spec(SPEC, overrides), clock)


def complete_trial(study: Progress, number: int, value: float) -> None:
    study.update(started(number, epochs=4))
    study.update(TrialEnded(number, TrialState.COMPLETE, value))


def test_running_trial_has_the_epochs_of_its_spec(clock: Clock) -> None:
    study = progress(clock)
    study.update(started(0, epochs=4))
    study.update(started(1, worker="cpu-1", epochs=8))
    assert [(trial.epoch, trial.epochs) for trial in study.running.values()] == [(0, 4), (0, 8)]


def test_ended_trial_is_counted_and_no_longer_running(clock: Clock) -> None:
    study = progress(clock)
    study.update(started(0, epochs=4))
    study.update(TrialEnded(0, TrialState.FAIL, error="the cause"))
    assert (study.running, study.ended, study.problem) == ({}, {TrialState.FAIL: 1}, "trial 0: the cause")


def test_trial_that_failed_while_it_waited_is_counted(clock: Clock) -> None:
    study = progress(clock)
    study.update(TrialEnded(0, TrialState.FAIL, error="the cause"))
    assert study.ended == {TrialState.FAIL: 1}


def test_waiting_trial_is_no_longer_running_and_its_reason_is_kept(clock: Clock) -> None:
    study = progress(clock)
    study.update(started(0, epochs=4))
    study.update(TrialWaiting(0, "lost, attempt 1: killed"))
    assert (study.running, study.ended, study.problem) == ({}, {}, "trial 0 waits: lost, attempt 1: killed")


@pytest.mark.parametrize(("objective", "best"), [("val/accuracy", 1), ("val/loss", 0)])
def test_best_follows_the_direction_of_the_objective(objective: str, best: int, clock: Clock) -> None:
    study = progress(clock, f"search.objective={objective}")
    for number, value in enumerate((0.1, 0.9, 0.5)):
        complete_trial(study, number, value)
    assert study.best is not None
    assert study.best[1] == best


def test_first_of_equal_values_stays_best(clock: Clock) -> None:
    study = progress(clock)
    complete_trial(study, 3, 0.5)
    complete_trial(study, 1, 0.5)
    assert study.best == (0.5, 3, "mlp")


def test_pruned_trial_is_never_best(clock: Clock) -> None:
    study = progress(clock)
    study.update(started(0, epochs=4))
    study.update(TrialEnded(0, TrialState.PRUNED, 0.9))
    assert study.best is None


def test_time_left_is_unknown_before_half_a_trial_is_done(clock: Clock) -> None:
    study = progress(clock)
    study.update(started(0, epochs=4))
    clock.now_s += 10
    study.update(TrialMeasured(0, Measurement(1, {}, 10.0)))
    assert study.remaining_s() is None


def test_time_left_counts_running_trials_by_their_epochs(clock: Clock) -> None:
    study = progress(clock)
    complete_trial(study, 0, 0.5)
    study.update(started(1, epochs=4))
    study.update(TrialMeasured(1, Measurement(2, {}, 5.0)))
    clock.now_s += 30
    assert (study.elapsed_s(), study.remaining_s()) == (30.0, 50.0)  # 1.5 of 4 trials in 30 s


def test_time_left_of_a_resumed_study_ignores_earlier_sessions(clock: Clock) -> None:
    study = progress(clock)
    study.count_finished(finished_trial(TrialState.COMPLETE, number=4, value=0.9))
    study.count_finished(finished_trial(TrialState.PRUNED))
    complete_trial(study, 2, 0.5)
    clock.now_s += 10
    assert study.remaining_s() == 10.0
    assert sum(study.ended.values()) == 3
    assert study.best == (0.9, 4, "mlp")  # of all trials, before and after
