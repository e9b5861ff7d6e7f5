"""The retry policy: whether, when and where a trial runs again after a failed attempt. Starts nothing."""

import random
from dataclasses import dataclass, replace

from cluster.driver.queue import RunningTrial, WaitingTrial
from cluster.trial import AttemptOutcome, FailureCounts
from cluster.workers.events import Failed, WorkerLost

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
# Worker crashes that a trial may cause before it is quarantined.
CRASHES_BEFORE_QUARANTINE = 2


@dataclass(frozen=True)
class AttemptFailure:
    """Why an attempt ended before its trial did.

    Attributes:
        outcome: the outcome of the attempt, as recorded in the store.
        error: what happened, in one sentence.
        traceback: the traceback of the error, if training raised it.
        retryable: whether another attempt could end differently.
        out_of_memory: whether the next attempt should wait for free memory.
    """

    outcome: AttemptOutcome
    error: str
    traceback: str | None = None
    retryable: bool = True
    out_of_memory: bool = False

    @classmethod
    def from_event(cls, event: Failed | WorkerLost) -> "AttemptFailure":
        """Classifies the event that ended an attempt."""
        match event:
            case Failed(_, _, error, traceback, retryable):
                return cls("failed", error, traceback, retryable, event.out_of_memory)
            case WorkerLost(_, cause, "died"):
                return cls("crashed", cause)
            case WorkerLost(_, cause, reason):
                return cls("lost", cause, out_of_memory=reason == "memory")


def next_attempt(
    running: RunningTrial, failure: AttemptFailure, before: FailureCounts, attempts: int
) -> WaitingTrial | None:
    """Returns the trial waiting for its next attempt, or None if this was its last.

    Args:
        running: the attempt that failed.
        failure: how it ended.
        before: the trial's failures before it.
        attempts: how many attempts a trial may have.
    """
    crashes = before.crashes + (failure.outcome == "crashed")
    crashed_in_quarantine = running.quarantined and failure.outcome == "crashed"
    if not failure.retryable or crashed_in_quarantine or before.total + 1 >= attempts:
        return None
    trial = replace(running.trial, waits_for_memory=failure.out_of_memory)
    return WaitingTrial(trial, avoid=running.worker, quarantined=is_quarantined(crashes))


def is_quarantined(crashes: int) -> bool:
    """Returns whether a trial that crashed this many workers runs in a process that no other trial uses."""
    return crashes >= CRASHES_BEFORE_QUARANTINE


def final_error(running: RunningTrial, failure: AttemptFailure) -> str:
    """Returns why a trial has failed for good, in one sentence."""
    if running.quarantined and failure.outcome == "crashed":
        return f"{failure.error}, in quarantine on a fresh worker, after {CRASHES_BEFORE_QUARANTINE} other crashes"
    return failure.error


def retry_delay_s(failures: int, seed: int) -> float:
    """Returns how long a trial waits after this many failures: twice as long each time, up to 30 s.

    A random part of up to half, drawn from the trial's seed, is subtracted, so that trials that failed together do not
    return together.
    """
    longest_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (failures - 1))
    return longest_s * random.Random(f"{seed} {failures}").uniform(0.5, 1.0)
