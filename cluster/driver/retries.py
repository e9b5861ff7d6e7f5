"""What becomes of a trial whose attempt went wrong: whether, when and where it is tried again. Starts nothing."""

import random
from dataclasses import dataclass, replace

from cluster.driver.queue import WaitingTrial
from cluster.store.store import AttemptOutcome, FailureCounts
from cluster.workers.events import Failed, WorkerLost

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
# So often may a trial take its worker along before it gets one of its own.
CRASHES_BEFORE_QUARANTINE = 2


@dataclass(frozen=True)
class AttemptFailure:
    """Why an attempt ended before its trial did.

    Attributes:
        outcome: as the store keeps it.
        error: what happened, in one sentence.
        traceback: where, for those who mend it.
        retryable: whether another attempt could end differently.
        out_of_memory: whether the next attempt should wait for memory.
    """

    outcome: AttemptOutcome
    error: str
    traceback: str | None = None
    retryable: bool = True
    out_of_memory: bool = False

    @classmethod
    def from_event(cls, event: Failed | WorkerLost) -> "AttemptFailure":
        """What an event means for the trial that it ended."""
        match event:
            case Failed(_, _, error, traceback, retryable):
                return cls("failed", error, traceback, retryable, event.out_of_memory)
            case WorkerLost(_, cause, "died"):
                return cls("crashed", cause)
            case WorkerLost(_, cause, reason):
                return cls("lost", cause, out_of_memory=reason == "memory")


def next_attempt(
    given: WaitingTrial, failure: AttemptFailure, before: FailureCounts, attempts: int
) -> WaitingTrial | None:
    """The trial as it waits for another attempt, or None if it has had its last.

    Args:
        given: what was attempted.
        failure: how that ended.
        before: what went wrong in the attempts before it.
        attempts: how many a trial has.
    """
    crashes = before.crashes + (failure.outcome == "crashed")
    is_poison = given.quarantined and failure.outcome == "crashed"
    if not failure.retryable or is_poison or before.total + 1 >= attempts:
        return None
    trial = replace(given.trial, waits_for_memory=failure.out_of_memory)
    return replace(given, trial=trial, quarantined=is_quarantined(crashes))


def is_quarantined(crashes: int) -> bool:
    """Whether a trial that took so many workers along trains on one of its own only."""
    return crashes >= CRASHES_BEFORE_QUARANTINE


def final_error(given: WaitingTrial, failure: AttemptFailure) -> str:
    """Why a trial is given up, in one sentence."""
    if given.quarantined and failure.outcome == "crashed":
        return f"{failure.error}, in quarantine on a worker of its own, after {CRASHES_BEFORE_QUARANTINE} others"
    return failure.error


def retry_delay_s(failures: int, seed: int) -> float:
    """How long a trial waits after so many failures: twice as long each time, up to half a minute.

    Up to half of it is taken off, by the trial's seed, so that trials that failed together do not come back together.
    """
    longest_s = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (failures - 1))
    return longest_s * random.Random(f"{seed} {failures}").uniform(0.5, 1.0)
