"""Says when a study or an epoch has taken too long, or the goal is reached. Reads the clock, stops nothing.

`minutes` count all time. An epoch's time does not count while the driver is paused, because its worker probably is too.
"""

import math
from collections.abc import Callable, Collection

from cluster.driver.queue import RunningTrial
from cluster.machine.pauses import PauseMeter
from cluster.spec.study_spec import StudySpec


class StudyLimits:
    """The limits of a StudySpec, with `minutes` counted from now. Each reason to stop is one phrase."""

    def __init__(self, spec: StudySpec, clock: Callable[[], float]) -> None:
        """Starts the clock."""
        self._limits = spec.limits
        self._goal = spec.stop.objective
        self._direction = spec.search.direction
        self._clock = clock
        self._pauses = PauseMeter(clock)
        self._deadline_s = clock() + 60 * (spec.limits.minutes or math.inf)

    def time_is_up(self) -> str | None:
        """Returns the reason to stop the study once its time is up, else None."""
        if self._clock() <= self._deadline_s:
            return None
        return f"limits.minutes: {self._limits.minutes} minutes are up"

    def objective_reached(self, number: int, value: float) -> str | None:
        """Returns the reason to stop the study if the value of a complete trial reaches `stop.objective`, else None."""
        if self._goal is None or not self._direction.reaches(value, self._goal):
            return None
        return f"trial {number} reached the objective {self._goal}"

    def epoch_deadline_s(self, extra_s: float = 0.0) -> float:
        """Returns the clock time by which an epoch that starts now must end; `extra_s` is for what precedes it."""
        return self._clock() + self._limits.epoch_timeout_s + extra_s

    def overdue(self, running: Collection[RunningTrial]) -> list[RunningTrial]:
        """Returns the trials whose epoch has not ended in time.

        Expects to be called several times a second. If it was not, the driver was paused: moves their deadlines first.
        """
        if paused_s := self._pauses.paused_s():
            for trial in running:
                trial.deadline_s += paused_s
        now_s = self._clock()
        return [trial for trial in running if now_s > trial.deadline_s]

    @property
    def overdue_cause(self) -> str:
        """Returns why the worker of an overdue trial is killed."""
        return f"no epoch ended within limits.epoch_timeout_s: {self._limits.epoch_timeout_s}"
