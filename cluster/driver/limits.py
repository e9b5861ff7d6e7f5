"""When a study or an epoch has taken long enough, or the goal is reached. Reads the clock, stops nothing."""

import math
from collections.abc import Callable, Iterable

from cluster.driver.queue import RunningTrial
from cluster.spec.study_spec import StudySpec


class StudyLimits:
    """The limits of a StudySpec, `minutes` counted from now on. Each reason to stop is one phrase."""

    def __init__(self, spec: StudySpec, clock: Callable[[], float]) -> None:
        """Starts the clock."""
        self._limits = spec.limits
        self._goal = spec.stop.objective
        self._direction = spec.search.direction
        self._clock = clock
        self._deadline_s = clock() + 60 * (spec.limits.minutes or math.inf)

    def time_is_up(self) -> str | None:
        """The reason to stop the study, once its time is over."""
        if self._clock() <= self._deadline_s:
            return None
        return f"limits.minutes: {self._limits.minutes} are over"

    def objective_reached(self, number: int, value: float) -> str | None:
        """The reason to stop the study, if the value of a complete trial reaches `stop.objective`."""
        if self._goal is None or not self._direction.reaches(value, self._goal):
            return None
        return f"trial {number} reached the objective {self._goal}"

    def epoch_deadline_s(self, extra_s: float = 0.0) -> float:
        """Clock time by which an epoch that starts now must have ended; `extra_s` for what comes before it."""
        return self._clock() + self._limits.epoch_timeout_s + extra_s

    def overdue(self, running: Iterable[RunningTrial]) -> list[RunningTrial]:
        """The trials whose epoch did not end in time."""
        now_s = self._clock()
        return [trial for trial in running if now_s > trial.deadline_s]

    @property
    def overdue_cause(self) -> str:
        """Why the worker of an overdue trial is killed."""
        return f"no epoch ended within limits.epoch_timeout_s: {self._limits.epoch_timeout_s}"
