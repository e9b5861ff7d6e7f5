"""How the workers and the driver of a study spent their time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby

import numpy as np


class Part(str, Enum):
    """What a worker or the driver does or waits for; each instant of its time belongs to exactly one part.

    The values appear in the store and in `show --timing --json`.
    """

    # of workers and of the driver
    START = "start"  # until the worker (for the driver: the first worker) is ready; again after it is lost
    FINISH = "finish"  # the trials are over: test scores, tables

    # of workers
    TRAINING = "training"
    EVALUATION = "evaluation"
    OTHER_WORK = "other work"  # building networks, packing states
    NOT_REPORTED = "not reported"  # epochs in progress, and those lost with their worker
    MESSAGES = "messages"  # an instruction or a report is in transit, or waits for a busy driver
    DRIVER = "driver"  # the worker has reported and waits for the driver's decision
    IDLE = "idle"  # the worker has no trial: none is left, or none is due

    # of the driver
    STORE = "store"
    SEARCH = "search"
    CHECKPOINTS = "checkpoints"
    TENSORBOARD = "TensorBoard"
    TERMINAL = "terminal"
    INSTRUCTIONS = "instructions"
    EVENTS = "events"  # waiting for events; if the worker is in the driver's process, also that worker's time
    REST = "rest"


WORKER_PARTS = (
    Part.START,
    Part.TRAINING,
    Part.EVALUATION,
    Part.OTHER_WORK,
    Part.NOT_REPORTED,
    Part.MESSAGES,
    Part.DRIVER,
    Part.IDLE,
    Part.FINISH,
)
WAITING_PARTS = (Part.MESSAGES, Part.DRIVER, Part.IDLE)
DRIVER_PARTS = (
    Part.START,
    Part.STORE,
    Part.SEARCH,
    Part.CHECKPOINTS,
    Part.TENSORBOARD,
    Part.TERMINAL,
    Part.INSTRUCTIONS,
    Part.EVENTS,
    Part.REST,
    Part.FINISH,
)

SecondsByPart = Mapping[str, float]
"""Value of a Part -> seconds; a store may hold parts that this version does not know."""


@dataclass(frozen=True)
class TimeSpent:
    """How one driver's session was spent, from its start until some moment.

    Attributes:
        session: 0 for the study's first driver, 1 for the one that resumed it, and so on.
        elapsed_s: wall time.
        workers: number of workers that were ready at least once.
        worker_s: the workers' time by part, `workers * elapsed_s` in total.
        driver_s: the driver's time by part, `elapsed_s` in total.
    """

    session: int
    elapsed_s: float
    workers: int
    worker_s: SecondsByPart
    driver_s: SecondsByPart


@dataclass(frozen=True)
class StudyTimes:
    """How the time of a whole study was spent.

    Attributes:
        sessions: number of drivers that the study had, one after another.
        elapsed_s: wall time of all sessions, excluding the time between them.
        workers: number of workers in the last session.
        worker_s: the workers' time by part, summed over the sessions.
        driver_s: the driver's time by part, summed over the sessions.
        waiting: share of the workers' time between start and finish that they spent waiting, in [0, 1].
        waiting_later: the same in the second half of that time.
    """

    sessions: int
    elapsed_s: float
    workers: int
    worker_s: SecondsByPart
    driver_s: SecondsByPart
    waiting: float
    waiting_later: float


def study_times(accounts: Sequence[TimeSpent]) -> StudyTimes | None:
    """Adds up the accounts of a study's drivers.

    Args:
        accounts: the accounts in the order in which they were written. A session has several, each covering it from
            its start, so only the last one counts.

    Returns:
        the sums and the shares of waiting; None if there is no account.
    """
    if not accounts:
        return None
    sessions = [list(session) for _, session in groupby(accounts, key=lambda spent: spent.session)]
    ends = [session[-1] for session in sessions]
    waiting, waiting_later = _waiting_shares(sessions)
    return StudyTimes(
        sessions=len(sessions),
        elapsed_s=sum(end.elapsed_s for end in ends),
        workers=ends[-1].workers,
        worker_s=_sum_by_part(WORKER_PARTS, [end.worker_s for end in ends]),
        driver_s=_sum_by_part(DRIVER_PARTS, [end.driver_s for end in ends]),
        waiting=waiting,
        waiting_later=waiting_later,
    )


def _sum_by_part(parts: Iterable[Part], seconds: Sequence[SecondsByPart]) -> SecondsByPart:
    return {part.value: sum(each.get(part, 0.0) for each in seconds) for part in parts}


def _waiting_shares(sessions: Sequence[Sequence[TimeSpent]]) -> tuple[float, float]:
    """Returns the share of waiting in the time between start and finish, and in its second half.

    The accounts are points on a cumulative curve; the middle is interpolated between two of them.
    """
    curve = np.zeros((1, 3))  # (account, [wall seconds, workers' seconds, seconds in which they waited]), cumulative
    for session in sessions:
        # An account counts from the start of its session: it continues from where the last session ended.
        curve = np.vstack([curve, curve[-1] + [_between_start_and_finish(spent) for spent in session]])
    times, *totals = curve.T
    middle = [float(np.interp(times[-1] / 2, times, total)) for total in totals]
    return _share(*curve[-1, 1:]), _share(*(curve[-1, 1:] - middle))


def _between_start_and_finish(spent: TimeSpent) -> tuple[float, float, float]:
    """Returns wall seconds, the workers' seconds, and how many of those they spent waiting."""
    ends = (Part.START, Part.FINISH)
    return (
        sum(seconds for part, seconds in spent.driver_s.items() if part not in ends),
        sum(seconds for part, seconds in spent.worker_s.items() if part not in ends),
        sum(spent.worker_s.get(part, 0.0) for part in WAITING_PARTS),
    )


def _share(whole_s: float, part_s: float) -> float:
    return part_s / whole_s if whole_s > 0 else 0.0
