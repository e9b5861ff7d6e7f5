"""What a view knows of a running study: counts, running trials, the best so far, the time left. Draws nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cluster.driver.observer import (
    StudyEvent,
    StudyStopping,
    TrialEnded,
    TrialMeasured,
    TrialStarted,
    TrialWaiting,
    WorkersChanged,
)
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialRecord, TrialSpec, TrialState
from mnist_core.measurement import Measurement

STOPPING = "finishing the current epochs and saving; press Ctrl-C again to quit now"


@dataclass
class TrialProgress:
    """A trial that is being trained; `measurement` is its latest, None before the first."""

    trial: TrialSpec
    worker: str
    measurement: Measurement | None = None

    @property
    def model(self) -> str:
        """The kind of network."""
        return self.trial.model.kind

    @property
    def epoch(self) -> int:
        """The number of epochs trained so far."""
        return self.measurement.epoch if self.measurement else 0

    @property
    def epochs(self) -> int:
        """The number of epochs that the trial will train."""
        return self.trial.training.epochs


@dataclass
class Progress:
    """Keeps track of the running trials, and counts the finished ones.

    Attributes:
        running: by trial number.
        ended: number of trials in each final state.
        ended_before: number of them that had finished before the study was resumed.
        workers: number of ready workers; None before the first one is ready.
        best: objective, number and kind of network of the best complete trial.
        problem: the last thing that went wrong.
    """

    spec: StudySpec
    clock: Callable[[], float] = time.monotonic
    running: dict[int, TrialProgress] = field(default_factory=dict)
    ended: dict[TrialState, int] = field(default_factory=dict)
    ended_before: int = 0
    workers: int | None = None
    best: tuple[float, int, str] | None = None
    problem: str | None = None

    def __post_init__(self) -> None:
        self._started_s = self.clock()

    def count_finished(self, trial: TrialRecord) -> None:
        """Counts a trial that had finished before the study was resumed."""
        self.ended_before += 1
        self._count(trial.number, trial.model, trial.state, trial.value)

    def update(self, event: StudyEvent) -> None:
        """Takes an event of the study into account."""
        match event:
            case TrialStarted(trial, worker):
                self.running[trial.number] = TrialProgress(trial, worker)
            case TrialMeasured(number, measurement):
                self.running[number].measurement = measurement
            case TrialWaiting(number, reason):
                self.running.pop(number, None)
                self.problem = f"trial {number} waits: {reason}"
            case TrialEnded():
                self._end(event)
            case WorkersChanged(ready, problem):
                self.workers = ready
                self.problem = problem or self.problem
            case StudyStopping(reason):
                self.problem = f"stopping ({reason}): {STOPPING}"
            case _:
                pass

    def elapsed_s(self) -> float:
        """Returns the seconds since the view was opened."""
        return self.clock() - self._started_s

    def remaining_s(self) -> float | None:
        """Estimates the remaining seconds from the pace so far, including running trials' epochs; None if too early."""
        now_done = sum(self.ended.values()) - self.ended_before
        done = now_done + sum(trial.epoch / trial.epochs for trial in self.running.values())
        left = self.spec.trials - self.ended_before - done
        return None if done < 0.5 else self.elapsed_s() * left / done

    def _end(self, event: TrialEnded) -> None:
        running = self.running.pop(event.number, None)
        if event.error:
            self.problem = f"trial {event.number}: {event.error}"
        self._count(event.number, running.model if running else "", event.state, event.value)

    def _count(self, number: int, model: str, state: TrialState, value: float | None) -> None:
        self.ended[state] = self.ended.get(state, 0) + 1
        if state is TrialState.COMPLETE and value is not None and self._is_best(value):
            self.best = (value, number, model)

    def _is_best(self, value: float) -> bool:
        return self.best is None or self.spec.search.direction.is_better(value, self.best[0])
