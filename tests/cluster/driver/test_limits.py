"""When a study stops before its last trial, and when a worker counts as hung."""

from collections.abc import Callable

from typing_extensions import override

from cluster.driver.driver import Driver
from cluster.driver.parts import StudyParts
from cluster.search.search import Search
from cluster.trial import TrialState
from cluster.workers.events import WorkerEvent
from mnist_core.data.dataset import Dataset
from tests.cluster.driver.faulty_pool import FaultyPool, hanging_at_epoch, measured, no_fault
from tests.cluster.driver.small_study import Clock, Study

AN_HOUR_S = 3600.0


def test_study_stops_when_a_trial_reaches_the_objective(study: Callable[..., Study]) -> None:
    run = study("stop.objective=0.0", "trials=5")
    reason = run.driver().run()
    assert reason == "trial 0 reached the objective 0.0"
    assert run.states() == ["COMPLETE"]


def test_study_stops_after_its_minutes(study: Callable[..., Study]) -> None:
    run = study("limits.minutes=0.05", "trials=100")
    reason = run.driver(clock=Clock(step_s=0.5)).run()
    assert reason is not None
    assert "limits.minutes" in reason
    assert len(run.trials()) < 100


def test_hung_worker_is_killed_and_its_trial_continues(study: Callable[..., Study]) -> None:
    run = study("trials=1", "limits.epoch_timeout_s=30")
    run.driver(hanging_at_epoch(2), Clock(step_s=1.0)).run()
    (trial,) = run.trials()
    assert (trial.state, trial.attempts) == (TrialState.COMPLETE, 2)
    assert [m.epoch for m in run.store.measurements(0)] == [1, 2, 3]


def test_interruption_replaces_the_reason_of_a_study_that_is_already_stopping(study: Callable[..., Study]) -> None:
    run = study("limits.minutes=0.05", "trials=100")
    driver = run.driver(clock=Clock(step_s=0.5))
    ended = driver.run()
    driver.request_stop("interrupted")
    assert str(ended).startswith("limits.minutes")
    assert driver.run() == "interrupted"


class PausedPool(FaultyPool):
    """Is paused for an hour, together with its driver, shortly before a trial's second epoch ends."""

    def __init__(self, dataset: Dataset, clock: Clock) -> None:
        super().__init__(dataset, no_fault)
        self._clock = clock
        self._late: list[WorkerEvent] = []
        self.pauses = 0

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        if self._late:
            return self._late.pop()
        event = super().next_event(timeout_s)
        if event is not None and (reported := measured(event)) and reported.epoch == 2 and not self.pauses:
            self.pauses += 1
            self._clock.now_s += AN_HOUR_S
            self._late.append(event)
            return None
        return event


def test_worker_that_was_paused_with_its_driver_is_not_killed(
    study: Callable[..., Study], small_dataset: Dataset
) -> None:
    run = study("trials=1", "limits.epoch_timeout_s=30")
    clock = Clock(step_s=0.01)
    pool = PausedPool(small_dataset, clock)
    Driver(run.spec, StudyParts(run.store, Search(run.spec), pool, run.checkpoints), clock).run()
    (trial,) = run.trials()
    assert (trial.state, trial.attempts, pool.pauses) == (TrialState.COMPLETE, 1, 1)
