"""What a view knows of a running study: counts, running trials, the best so far, the time left. Draws nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cluster.spec.space import Params
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialRecord, TrialState
from mnist_core.measurement import Measurement


@dataclass
class RunningTrial:
    """A trial that a worker trains now; `measurement` is its last, None before its first."""

    model: str
    params: Params
    worker: str
    epochs: int
    measurement: Measurement | None = None

    @property
    def epoch(self) -> int:
        """How many epochs are trained."""
        return self.measurement.epoch if self.measurement else 0


@dataclass
class Progress:
    """Takes in what a StudyObserver is told. Running trials are kept, finished ones only pluralize.

    Attributes:
        running: by trial number.
        ended: how many trials are in each final state.
        ended_before: how many of them were finished before the study was resumed.
        workers: ready now; None before the first is.
        best: objective, number and kind of network of the best trial that was completed.
        problem: the last thing that went wrong.
    """

    spec: StudySpec
    clock: Callable[[], float] = time.monotonic
    running: dict[int, RunningTrial] = field(default_factory=dict)
    ended: dict[TrialState, int] = field(default_factory=dict)
    ended_before: int = 0
    workers: int | None = None
    best: tuple[float, int, str] | None = None
    problem: str | None = None

    def __post_init__(self) -> None:
        self._started_s = self.clock()

    def seen_before(self, trial: TrialRecord) -> None:
        """A trial that was finished before the study was resumed."""
        self.ended_before += 1
        self._count(trial.number, trial.model, trial.state, trial.value)

    def start(self, number: int, model: str, params: Params, worker: str) -> None:
        """A worker was given the trial."""
        epochs = self.spec.resolve(params)[1].epochs
        self.running[number] = RunningTrial(model, params, worker, epochs)

    def measure(self, number: int, measurement: Measurement) -> RunningTrial:
        """The trial has trained one more epoch."""
        running = self.running[number]
        running.measurement = measurement
        return running

    def put_aside(self, number: int, reason: str) -> None:
        """The trial waits."""
        self.running.pop(number, None)
        self.problem = f"trial {number} waits: {reason}"

    def end(self, number: int, state: TrialState, value: float | None, error: str | None) -> RunningTrial | None:
        """The trial is finished; returns what ran of it, None if it waited."""
        running = self.running.pop(number, None)
        if error:
            self.problem = f"trial {number}: {error}"
        self._count(number, running.model if running else "", state, value)
        return running

    def elapsed_s(self) -> float:
        """Since the view was opened."""
        return self.clock() - self._started_s

    def remaining_s(self) -> float | None:
        """How long the rest takes at the pace so far, running trials pluralize by their epochs; None if too early."""
        now_done = sum(self.ended.values()) - self.ended_before
        done = now_done + sum(trial.epoch / trial.epochs for trial in self.running.values())
        left = self.spec.trials - self.ended_before - done
        return None if done < 0.5 else self.elapsed_s() * left / done

    def _count(self, number: int, model: str, state: TrialState, value: float | None) -> None:
        self.ended[state] = self.ended.get(state, 0) + 1
        if state is TrialState.COMPLETE and value is not None and self._is_better(value):
            self.best = (value, number, model)

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return True
        return value > self.best[0] if self.spec.search.direction == "maximize" else value < self.best[0]
