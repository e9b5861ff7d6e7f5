"""When a study stops before its last trial, and when a worker counts as hung."""

from collections.abc import Callable
from typing import Literal

import pytest

from cluster.driver.limits import StudyLimits
from cluster.driver.queue import RunningTrial
from cluster.trial import TrialSpec, TrialState
from cluster.workers.events import Failed, WorkerEvent
from mnist_core.config import MlpConfig, TrainingConfig
from tests.cluster.driver.faulty_pool import hanging_at_epoch, measured, reporting
from tests.cluster.driver.small_study import TURN_S, Clock, LatePool, Study

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
    killed, _ = run.store.attempts(0)
    assert (killed.outcome, killed.error) == ("crashed", "no epoch ended within limits.epoch_timeout_s: 30.0")


def test_interruption_replaces_the_reason_of_a_study_that_is_already_stopping(study: Callable[..., Study]) -> None:
    run = study("limits.minutes=0.05", "trials=100")
    driver = run.driver(clock=Clock(step_s=0.5))
    ended = driver.run()
    driver.request_stop("interrupted")
    assert str(ended).startswith("limits.minutes")
    assert driver.run() == "interrupted"


def test_worker_that_was_paused_with_its_driver_is_not_killed(study: Callable[..., Study]) -> None:
    run = study("trials=1", "limits.epoch_timeout_s=30")
    clock = Clock(step_s=0.0)
    pauses: list[WorkerEvent] = []

    def turns(event: WorkerEvent) -> int:
        if not (reported := measured(event)) or reported.epoch != 2:
            return 0
        pauses.append(event)
        clock.now_s += AN_HOUR_S
        return 1

    run.driver_of(LatePool(run.dataset, clock, turns), clock).run()
    (trial,) = run.trials()
    assert (trial.state, trial.attempts, len(pauses)) == (TrialState.COMPLETE, 1, 1)


def test_each_epoch_has_the_whole_timeout(study: Callable[..., Study]) -> None:
    run = study("trials=1", "limits.epoch_timeout_s=30")
    clock = Clock(step_s=0.0)
    twenty_s = round(20 / TURN_S)
    run.driver_of(LatePool(run.dataset, clock, lambda event: twenty_s if measured(event) else 0), clock).run()
    (trial,) = run.trials()
    assert (trial.state, trial.attempts) == (TrialState.COMPLETE, 1)
    assert clock.now_s > 3 * 19


def first_epoch_takes(seconds: float, attempt: int) -> Callable[[WorkerEvent], int]:
    """The turns of a LatePool: the first epoch takes so long in one attempt, and every other no time."""
    attempts = [0]

    def turns(event: WorkerEvent) -> int:
        if (reported := measured(event)) is None or reported.epoch != 1:
            return 0
        attempts[0] += 1
        return round(seconds / TURN_S) * (attempts[0] == attempt)

    return turns


@pytest.mark.parametrize(("late_s", "attempts"), [(20.0, 2), (30 + 115.0, 2), (30 + 125.0, 3)])
def test_trial_that_waits_for_memory_has_that_long_before_its_first_epoch(
    late_s: float, attempts: int, study: Callable[..., Study]
) -> None:
    run = study("trials=1", "limits.epoch_timeout_s=30", "limits.attempts=5")
    clock = Clock(step_s=0.0)
    failed: list[WorkerEvent] = []

    def fault(event: WorkerEvent) -> WorkerEvent | None:
        if measured(event) is None or failed:
            return None
        failed.append(event)
        return Failed(event.worker, 0, "MemoryError", "Traceback", out_of_memory=True)

    pool = LatePool(run.dataset, clock, first_epoch_takes(late_s, attempt=1), fault)
    run.driver_of(pool, clock).run()
    assert [trial.waits_for_memory for trial in pool.started[:2]] == [False, True]
    assert [(trial.state, trial.attempts) for trial in run.trials()] == [(TrialState.COMPLETE, attempts)]


@pytest.mark.parametrize(("late_s", "state"), [(30 + 55.0, TrialState.COMPLETE), (30 + 65.0, TrialState.FAIL)])
def test_fresh_worker_has_time_to_start_before_the_first_epoch(
    late_s: float, state: TrialState, study: Callable[..., Study]
) -> None:
    run = study("trials=1", "limits.epoch_timeout_s=30", "limits.attempts=5")
    run.store.add_trial(0, "mlp", {"training.learning_rate": 0.1}, 0)
    for _ in range(2):
        run.store.start_attempt(0, "cpu-0")
        run.store.end_attempt(0, "crashed", "died")
    clock = Clock(step_s=0.0)
    run.driver_of(LatePool(run.dataset, clock, first_epoch_takes(late_s, attempt=1)), clock).run()
    # A quarantined trial whose worker is killed fails for good.
    assert [(trial.state, trial.attempts) for trial in run.trials()] == [(state, 3)]


def test_minutes_are_minutes(study: Callable[..., Study]) -> None:
    clock = Clock(step_s=0.0)
    clock.now_s = 1000.0
    limits = StudyLimits(study("limits.minutes=2.5").spec, clock)
    clock.now_s += 2.5 * 60
    assert limits.time_is_up() is None
    clock.now_s += 0.001
    assert limits.time_is_up() == "limits.minutes: 2.5 minutes are up"


def test_epoch_is_overdue_after_its_deadline_and_not_at_it(study: Callable[..., Study]) -> None:
    clock = Clock(step_s=0.0)
    limits = StudyLimits(study("limits.epoch_timeout_s=0.5").spec, clock)
    trial = TrialSpec(0, MlpConfig(), TrainingConfig(), seed=0)
    running = RunningTrial(trial, "cpu-0", limits.epoch_deadline_s())
    clock.now_s += 0.5
    assert limits.overdue([running]) == []
    clock.now_s += 0.001
    assert limits.overdue([running]) == [running]


@pytest.mark.parametrize(
    ("objective", "reached", "missed"), [("val/accuracy", [0.5, 0.6], [0.4]), ("val/loss", [0.5, 0.4], [0.6])]
)
def test_objective_is_reached_at_equality_and_by_lower_losses(
    objective: str, reached: list[float], missed: list[float], study: Callable[..., Study]
) -> None:
    limits = StudyLimits(study("stop.objective=0.5", f"search.objective={objective}").spec, Clock())
    assert [limits.objective_reached(7, value) for value in reached] == ["trial 7 reached the objective 0.5"] * 2
    assert [limits.objective_reached(7, value) for value in missed] == [None]


def test_study_of_losses_stops_at_the_first_trial_that_is_low_enough(study: Callable[..., Study]) -> None:
    run = study("search.objective=val/loss", "stop.objective=0.5", "trials=5")
    low = reporting("val/loss", 0.5, {1}, epoch=3)

    def fault(event: WorkerEvent) -> WorkerEvent | Literal["silence"] | None:
        return low(event) or reporting("val/loss", 0.75, {0}, epoch=3)(event)

    assert run.driver(fault).run() == "trial 1 reached the objective 0.5"
    assert run.states() == ["COMPLETE"] * 2


@pytest.mark.parametrize("limit", ["limits.minutes=10", "stop.objective=0.0"])
def test_limit_does_not_replace_an_interruption_as_the_reason(limit: str, study: Callable[..., Study]) -> None:
    run = study(limit, "trials=1", "training.epochs=1")
    clock = Clock(step_s=0.0)

    def interrupt(event: WorkerEvent) -> None:
        if measured(event):
            driver.request_stop("interrupted")
            clock.now_s += AN_HOUR_S

    driver = run.driver(interrupt, clock)
    assert driver.run() == "interrupted"
    assert run.states() == ["COMPLETE"]
