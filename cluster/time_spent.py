"""Where the time of a study went: of its workers, who train, and of its driver, who tells them what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

# What a worker does or waits for; each instant of its time is one of them.
START = "start"  # it is not ready yet, or not again
TRAINING = "training"
EVALUATION = "evaluation"
OTHER_WORK = "other work"  # networks are made, states are packed
NOT_REPORTED = "not reported"  # epochs under way, and those that were lost with their worker
MESSAGES = "messages"  # an instruction or a report is on its way, or waits until the driver is free
DRIVER = "driver"  # it has reported, and the driver makes up its mind
IDLE = "idle"  # it has no trial: none is left, or none is due
FINISH = "finish"  # the trials are over: test scores, tables
WORKER_PARTS = (START, TRAINING, EVALUATION, OTHER_WORK, NOT_REPORTED, MESSAGES, DRIVER, IDLE, FINISH)
WAITING_PARTS = (MESSAGES, DRIVER, IDLE)

# What the driver does besides START and FINISH.
STORE = "store"
SEARCH = "search"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "TensorBoard"
TERMINAL = "terminal"
INSTRUCTIONS = "instructions"
EVENTS = "events"  # it waits for them; a worker in its own process works meanwhile
REST = "rest"
DRIVER_PARTS = (START, STORE, SEARCH, CHECKPOINTS, TENSORBOARD, TERMINAL, INSTRUCTIONS, EVENTS, REST, FINISH)

SecondsByPart = Mapping[str, float]


@dataclass(frozen=True)
class TimeSpent:
    """Seconds of one driver's session, from its begin until some moment.

    Attributes:
        session: 0 for the study's first driver, 1 for the one that resumed it, and so on.
        elapsed_s: wall time.
        workers: how many it had.
        worker_s: the workers' time by part, `workers * elapsed_s` in all.
        driver_s: the driver's time by part, `elapsed_s` in all.
    """

    session: int
    elapsed_s: float
    workers: int
    worker_s: SecondsByPart
    driver_s: SecondsByPart


@dataclass(frozen=True)
class StudyTimes:
    """Seconds of a whole study.

    Attributes:
        sessions: how many drivers it had, one after the other.
        elapsed_s: wall time of all sessions, without the time between them.
        workers: how many the last session had.
        worker_s: the workers' time by part, of all sessions.
        driver_s: the driver's time by part, of all sessions.
        waiting: share of the workers' time between start and finish in which they waited, in 0..1.
        waiting_later: the same in the second half of that time.
    """

    sessions: int
    elapsed_s: float
    workers: int
    worker_s: SecondsByPart
    driver_s: SecondsByPart
    waiting: float
    waiting_later: float


def study_times(written: Sequence[TimeSpent]) -> StudyTimes | None:
    """Adds up what a study's drivers have written, each its own account further and further on; None of nothing."""
    if not written:
        return None
    sessions = [list(session) for _, session in groupby(written, key=lambda spent: spent.session)]
    ends = [session[-1] for session in sessions]
    waiting, waiting_later = _waiting_shares(sessions)
    return StudyTimes(
        sessions=len(sessions),
        elapsed_s=sum(end.elapsed_s for end in ends),
        workers=ends[-1].workers,
        worker_s=_added(WORKER_PARTS, [end.worker_s for end in ends]),
        driver_s=_added(DRIVER_PARTS, [end.driver_s for end in ends]),
        waiting=waiting,
        waiting_later=waiting_later,
    )


def _added(parts: Iterable[str], seconds: Sequence[SecondsByPart]) -> SecondsByPart:
    return {part: sum(each.get(part, 0.0) for each in seconds) for part in parts}


def _waiting_shares(sessions: Sequence[Sequence[TimeSpent]]) -> tuple[float, float]:
    """Of all the time between start and finish, and of its second half."""
    curve = np.zeros((1, 3))  # after so many seconds: the workers' seconds, and those in which they waited
    for session in sessions:
        curve = np.vstack([curve, curve[-1] + [_between_start_and_finish(spent) for spent in session]])
    times, *totals = curve.T
    middle = [float(np.interp(times[-1] / 2, times, total)) for total in totals]
    return _share(*curve[-1, 1:]), _share(*(curve[-1, 1:] - middle))


def _between_start_and_finish(spent: TimeSpent) -> tuple[float, float, float]:
    """Wall seconds, workers' seconds, and those of them in which they waited."""
    ends = (START, FINISH)
    return (
        sum(seconds for part, seconds in spent.driver_s.items() if part not in ends),
        sum(seconds for part, seconds in spent.worker_s.items() if part not in ends),
        sum(spent.worker_s.get(part, 0.0) for part in WAITING_PARTS),
    )


def _share(whole_s: float, part_s: float) -> float:
    return part_s / whole_s if whole_s > 0 else 0.0
