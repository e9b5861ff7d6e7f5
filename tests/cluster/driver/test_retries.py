"""Which failed trials are retried, after what delay, and which are quarantined."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from cluster.driver.driver import Driver
from cluster.driver.observer import WorkersChanged
from cluster.driver.queue import RunningTrial, WaitingTrial
from cluster.driver.retries import (
    FIRST_DELAY_S,
    LONGEST_DELAY_S,
    AttemptFailure,
    final_error,
    is_quarantined,
    next_attempt,
    retry_delay_s,
)
from cluster.trial import FailureCounts, TrialSpec
from cluster.workers.events import Failed, Ready, WorkerEvent, WorkerLost
from mnist_core.config import MlpConfig, TrainingConfig
from mnist_core.data.dataset import Dataset
from mnist_core.training.state import unpack
from tests.cluster.driver.faulty_pool import FaultyPool, failing, losing_worker_at_epoch, measured, no_fault
from tests.cluster.driver.small_study import TURN_S, Clock, LatePool, Study

TRIAL = TrialSpec(0, MlpConfig(), TrainingConfig(), seed=0)
RUNNING = RunningTrial(TRIAL, "w", deadline_s=0.0)
QUARANTINED = RunningTrial(TRIAL, "w", deadline_s=0.0, quarantined=True)
AGAIN = WaitingTrial(TRIAL, avoid="w")
NONE = FailureCounts(0, 0)


def test_event_is_classified_by_its_cause() -> None:
    assert AttemptFailure.from_event(Failed("w", 0, "error", "trace")) == AttemptFailure("failed", "error", "trace")
    assert AttemptFailure.from_event(Failed("w", 0, "error", "trace", retryable=False)) == AttemptFailure(
        "failed", "error", "trace", False
    )
    assert AttemptFailure.from_event(Failed("w", 0, "e", "t", out_of_memory=True)).out_of_memory
    assert AttemptFailure.from_event(WorkerLost("w", "it died")) == AttemptFailure("crashed", "it died")
    assert AttemptFailure.from_event(WorkerLost("w", "node died", "other")) == AttemptFailure("lost", "node died")
    assert AttemptFailure.from_event(WorkerLost("w", "full", "memory")) == AttemptFailure(
        "lost", "full", out_of_memory=True
    )


def test_trial_is_retried_until_its_attempts_are_used_up() -> None:
    failure = AttemptFailure("failed", "error")
    assert next_attempt(RUNNING, failure, FailureCounts(1, 0), attempts=3) == AGAIN
    assert next_attempt(RUNNING, failure, FailureCounts(2, 0), attempts=3) is None
    assert next_attempt(RUNNING, AttemptFailure("failed", "error", retryable=False), NONE, attempts=3) is None


def test_second_crash_leads_to_quarantine_and_a_crash_there_ends_the_trial() -> None:
    crash = AttemptFailure("crashed", "died")
    first = next_attempt(RUNNING, crash, NONE, attempts=10)
    assert first is not None
    assert not first.quarantined
    second = next_attempt(RUNNING, crash, FailureCounts(1, 1), attempts=10)
    assert second is not None
    assert second.quarantined
    assert next_attempt(QUARANTINED, crash, FailureCounts(2, 2), attempts=10) is None
    assert final_error(QUARANTINED, crash) == "died, in quarantine on a fresh worker, after 2 other crashes"
    assert final_error(RUNNING, crash) == "died"


def test_attempt_lost_with_its_node_never_quarantines_the_trial() -> None:
    assert next_attempt(RUNNING, AttemptFailure("lost", "node died"), FailureCounts(5, 1), attempts=10) == AGAIN
    again = next_attempt(QUARANTINED, AttemptFailure("lost", "node died"), FailureCounts(2, 2), attempts=10)
    assert again == replace(AGAIN, quarantined=True)
    assert [is_quarantined(crashes) for crashes in range(4)] == [False, False, True, True]


def test_trial_that_ran_out_of_memory_waits_for_memory_once() -> None:
    waits = next_attempt(RUNNING, AttemptFailure("lost", "full", out_of_memory=True), NONE, attempts=3)
    assert waits is not None
    assert waits.trial.waits_for_memory
    running = RunningTrial(waits.trial, "w", deadline_s=0.0)
    assert next_attempt(running, AttemptFailure("failed", "error"), FailureCounts(1, 0), attempts=3) == AGAIN


@given(st.integers(0, 2**32 - 1))
def test_delay_grows_with_each_failure_up_to_a_limit_and_is_deterministic(seed: int) -> None:
    for failures in range(1, 40):
        longest_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (failures - 1))
        assert longest_s / 2 <= retry_delay_s(failures, seed) <= longest_s
        assert retry_delay_s(failures, seed) == retry_delay_s(failures, seed)


def test_driver_waits_longer_after_each_failure_before_it_starts_a_trial_again(study: Callable[..., Study]) -> None:
    run = study("trials=1", "limits.attempts=8")
    clock = Clock(step_s=0.0)
    pool = LatePool(run.dataset, clock, lambda _: 0, failing(times=7))
    run.driver_of(pool, clock).run()
    assert run.states() == ["COMPLETE"]
    delays_s = [after_s - before_s for before_s, after_s in pairwise(pool.started_s)]
    (trial,) = run.trials()
    least_s = [retry_delay_s(failures, trial.seed) for failures in range(1, 8)]
    assert all(least <= delay < least + TURN_S for least, delay in zip(least_s, delays_s, strict=True))
    assert least_s[-1] > 10 * least_s[0]


class TwoWorkers(FaultyPool):
    """Reports scripted events, then asks the driver to stop and loses its workers.

    Attributes:
        given: which worker each trial was started on.
        timeouts_s: how long it may wait for each event.
    """

    def __init__(self, dataset: Dataset, *script: WorkerEvent | None) -> None:
        super().__init__(dataset, no_fault)
        self._script = [*script]
        self.given: list[tuple[str, int]] = []
        self.timeouts_s: list[float] = []
        self.driver: Driver | None = None
        self._busy: list[str] = []

    @override
    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        self.given.append((worker, trial.number))
        self._busy.append(worker)

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        self.timeouts_s.append(timeout_s)
        if self._script:
            return self._script.pop(0)
        assert self.driver is not None
        self.driver.request_stop("the script is at its end")
        return WorkerLost(self._busy.pop(), "stopped", "other")


def test_trial_is_retried_on_another_worker_even_if_its_own_was_idle_before(study: Callable[..., Study]) -> None:
    run = study("trials=1")
    failed = Failed("cpu-0", 0, "error", "Traceback")
    pool = TwoWorkers(run.dataset, Ready("cpu-0", 1), failed, Ready("cpu-1", 2), *[None] * 3)
    pool.driver = run.driver_of(pool, Clock(step_s=0.2))
    pool.driver.run()
    assert pool.given == [("cpu-0", 0), ("cpu-1", 0)]
    # A due retry, a deadline and a request to stop are noticed that soon.
    assert all(0.0 < timeout_s < 1.0 for timeout_s in pool.timeouts_s)


def test_idle_and_busy_workers_are_counted(study: Callable[..., Study]) -> None:
    run = study("trials=2")
    pool = TwoWorkers(run.dataset, Ready("cpu-0", 1), Ready("cpu-1", 2))
    pool.driver = run.driver_of(pool, Clock(step_s=0.2))
    pool.driver.run()
    assert pool.given == [("cpu-0", 0), ("cpu-1", 1)]
    changes = [event for event in run.listener.heard if isinstance(event, WorkersChanged)]
    assert [event.ready for event in changes] == [1, 2, 1, 0]


def resumed_after(pool: LatePool) -> list[tuple[int, int]]:
    """Each start of a trial: its number, and the epoch after which it continues."""
    states = [(trial.number, trial.resume_from) for trial in pool.started]
    return [(number, 0 if state is None else unpack(state).epoch) for number, state in states]


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_retried_trial_continues_after_its_last_recorded_epoch(epoch: int, study: Callable[..., Study]) -> None:
    run = study("trials=1")
    clock = Clock(step_s=0.0)
    pool = LatePool(run.dataset, clock, lambda _: 0, losing_worker_at_epoch(epoch))
    run.driver_of(pool, clock).run()
    assert run.states() == ["COMPLETE"]
    assert resumed_after(pool) == [(0, 0), (0, epoch - 1)]


@pytest.mark.parametrize("epoch", [1, 2])
def test_suspended_trial_continues_after_its_last_epoch_though_it_sent_no_state_before(
    epoch: int, study: Callable[..., Study]
) -> None:
    run = study("trials=1")
    clock = Clock(step_s=0.0)

    def stop(event: WorkerEvent) -> None:
        if (reported := measured(event)) and reported.epoch == epoch:
            driver.request_stop("enough")

    driver = run.driver_of(FaultyPool(run.dataset, stop, state_every_s=1e9), clock)
    assert driver.run() == "enough"
    pool = LatePool(run.dataset, clock, lambda _: 0)
    run.driver_of(pool, clock).run()
    assert run.states() == ["COMPLETE"]
    assert resumed_after(pool) == [(0, epoch)]


def test_trials_that_failed_together_are_retried_at_different_times() -> None:
    assert len({retry_delay_s(1, seed) for seed in range(100)}) == 100
