"""What observers hear of a study, in which order, and what the store records of each attempt."""

from collections.abc import Callable

import pytest
from typing_extensions import override

from cluster.driver.observer import (
    StudyEvent,
    StudyStopping,
    TrialEnded,
    TrialMeasured,
    TrialStarted,
    TrialWaiting,
    WorkersChanged,
)
from cluster.trial import DIVERGED, TrialState
from cluster.workers.events import WorkerEvent
from tests.cluster.driver.faulty_pool import FaultyPool, failing, losing_worker_at_epoch, reporting
from tests.cluster.driver.small_study import Clock, Study, run_until_measured


def told(run: Study) -> list[StudyEvent | tuple[str, int]]:
    """What observers heard; of starts and measurements, their kind and the trial's number or the epoch."""
    return [short(event) for event in run.listener.heard]


def short(event: StudyEvent) -> StudyEvent | tuple[str, int]:
    match event:
        case TrialStarted(trial, "cpu-0"):
            return "started", trial.number
        case TrialMeasured(0, measurement):
            return "measured", measurement.epoch
        case _:
            return event


EPOCHS: list[tuple[str, int]] = [("measured", 1), ("measured", 2), ("measured", 3)]


def test_observers_hear_of_a_trial_from_its_start_to_its_end(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    run.driver().run()
    (trial,) = run.trials()
    ended = TrialEnded(0, TrialState.COMPLETE, trial.value)
    assert told(run) == [WorkersChanged(1), ("started", 0), *EPOCHS, ended]
    assert [(each.outcome, each.error) for each in run.store.attempts(0)] == [("complete", None)]
    heard = [event.measurement for event in run.listener.heard if isinstance(event, TrialMeasured)]
    assert heard == run.store.measurements(0)


def test_observers_and_the_store_have_the_error_of_each_failed_attempt(study: Callable[..., Study]) -> None:
    run = study("trials=1", "limits.attempts=2")
    run.driver(failing(times=2)).run()
    error = "RuntimeError: on demand"
    assert told(run) == [
        WorkersChanged(1),
        ("started", 0),
        TrialWaiting(0, f"failed, attempt 1: {error}"),
        ("started", 0),
        TrialEnded(0, TrialState.FAIL, None, error),
    ]
    attempts = [(each.outcome, each.error, each.traceback) for each in run.store.attempts(0)]
    assert attempts == [("failed", error, "Traceback: on demand")] * 2


def test_observers_hear_why_a_worker_was_lost_and_how_many_are_ready(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    run.driver(losing_worker_at_epoch(1)).run()
    died = "worker process died"
    assert told(run)[:6] == [
        WorkersChanged(1),
        ("started", 0),
        TrialWaiting(0, f"crashed, attempt 1: {died}"),
        WorkersChanged(0, died),
        WorkersChanged(1),
        ("started", 0),
    ]
    assert [(each.outcome, each.error) for each in run.store.attempts(0)] == [("crashed", died), ("complete", None)]


@pytest.mark.parametrize(
    ("metric", "value", "ended", "outcome"),
    [
        ("val/loss", float("nan"), TrialEnded(0, TrialState.FAIL, None, DIVERGED), ("failed", DIVERGED)),
        ("val/accuracy", -1.0, TrialEnded(0, TrialState.PRUNED, -1.0, bound=0.0), ("pruned", None)),
    ],
)
def test_observers_hear_how_a_trial_ended_early(
    metric: str, value: float, ended: TrialEnded, outcome: tuple[str, str | None], study: Callable[..., Study]
) -> None:
    run = study("trials=1", "search.pruner={kind: threshold, lower: 0.0}")
    run.driver(reporting(metric, value, {0}, epoch=2)).run()
    assert told(run) == [WorkersChanged(1), ("started", 0), *EPOCHS[:2], ended]
    assert [(each.outcome, each.error) for each in run.store.attempts(0)] == [outcome]


def test_observers_hear_that_a_study_stops_and_that_its_trial_waits(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    assert run_until_measured(run, 2) == "enough"
    stopping, waiting = StudyStopping("enough"), TrialWaiting(0, "enough")
    once = list(dict.fromkeys(told(run)))  # the stop is requested with each event from then on
    assert once == [WorkersChanged(1), ("started", 0), EPOCHS[0], stopping, EPOCHS[1], waiting]
    assert [(each.outcome, each.error) for each in run.store.attempts(0)] == [("interrupted", None)]


class LosingIdleWorker(FaultyPool):
    """Loses its worker the first time that it has nothing to do."""

    lost = False

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        event = super().next_event(timeout_s)
        if event is None and not self.lost:
            self.lost = True
            self.kill("cpu-0", "node died")
            event = super().next_event(timeout_s)
        return event


def test_worker_that_is_lost_while_it_is_idle_gets_one_trial_once_it_is_replaced(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    run.driver_of(LosingIdleWorker(run.dataset, failing(times=1)), Clock(step_s=0.01)).run()
    assert run.states() == ["COMPLETE"]
    assert told(run)[3:6] == [WorkersChanged(0, "node died"), WorkersChanged(1), ("started", 0)]
