"""What a view knows of a running study: counts, running and ended trials, the best so far. Draws nothing."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cluster.driver.observer import (
    StudyEvent,
    StudyOpened,
    StudyStopping,
    TrialEnded,
    TrialMeasured,
    TrialStarted,
    TrialWaiting,
    WorkersChanged,
)
from cluster.run_dir.paths import RunDir
from cluster.spec.space import Params
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialRecord, TrialSpec, TrialState
from cluster.workers.batch_progress import BatchProgress, read_progress
from jobs.terminal.running.time_left import TimeLeft
from mnist_core.measurement import Measurement

STOPPING = "saving after the current epochs; Ctrl-C again quits now"
KEPT_ENDED = 20


@dataclass
class TrialProgress:
    """A trial that is being trained.

    Attributes:
        measurement: its latest, None before the first.
        values: its objective after each epoch that was seen.
        batches: how far its worker is within the epoch; None if that is not known.
    """

    trial: TrialSpec
    worker: str
    measurement: Measurement | None = None
    values: list[float] = field(default_factory=list)
    batches: BatchProgress | None = None

    @property
    def model(self) -> str:
        """The kind of network."""
        return self.trial.model.kind

    @property
    def epoch(self) -> int:
        """The number of epochs trained so far."""
        if self.measurement is not None:
            return self.measurement.epoch
        return self.batches.epoch - 1 if self.batches else 0

    @property
    def epochs(self) -> int:
        """The number of epochs that the trial will train."""
        return self.trial.training.epochs

    @property
    def epochs_done(self) -> float:
        """The number of epochs trained so far, with the part of the one in training."""
        return self.epoch + (self.batches.share if self.batches else 0.0)

    @property
    def images_per_s(self) -> float | None:
        """Its speed now, or else in its last epoch; None before the first images."""
        now = self.batches.images_per_s if self.batches else None
        return now or (self.measurement.metrics.get("perf/samples_per_second") if self.measurement else None)

    @property
    def seconds_per_epoch(self) -> float | None:
        """How long an epoch takes; None if that is not known yet."""
        if self.measurement is not None:
            return self.measurement.elapsed_s / self.measurement.epoch
        if self.batches is not None and self.batches.images_per_s:
            return self.batches.images / self.batches.images_per_s
        return None

    @property
    def remaining_s(self) -> float | None:
        """How long the rest of the trial takes; None if that is not known yet."""
        per_epoch = self.seconds_per_epoch
        return None if per_epoch is None else (self.epochs - self.epochs_done) * per_epoch

    def read_batches(self, folder: Path) -> None:
        """Reads how far its worker is within the epoch after the last measured one."""
        batches = read_progress(folder, self.worker)
        is_now = batches and batches.number == self.trial.number
        if is_now and self.measurement is not None:
            is_now = batches is not None and batches.epoch == self.measurement.epoch + 1
        self.batches = batches if is_now else None


@dataclass(frozen=True)
class EndedTrial:
    """A trial that has ended, `reason` says why in words."""

    number: int
    model: str
    params: Params
    state: TrialState
    reason: str


@dataclass
class Progress:
    """Keeps track of the running trials, and counts the finished ones.

    Attributes:
        running: by trial number.
        ended: number of trials in each final state.
        ended_before: number of them that had finished before the study was resumed.
        last_ended: the last trials that ended in this session, latest first.
        workers: number of ready workers; None before the first one is ready.
        best: objective, number and kind of network of the best complete trial.
        best_of: the same of each kind of network, with the parameters.
        problem: the last thing that went wrong.
        stopping: why the study stops before its last trial, and what happens now; None if it does not.
        run_dir: where the study is; None before it opens.
        started_s: when it started, by `clock`; None for now.
        time_left: estimates how long it still takes.
    """

    spec: StudySpec
    clock: Callable[[], float] = time.monotonic
    running: dict[int, TrialProgress] = field(default_factory=dict)
    ended: dict[TrialState, int] = field(default_factory=dict)
    ended_before: int = 0
    last_ended: deque[EndedTrial] = field(default_factory=lambda: deque(maxlen=KEPT_ENDED))
    workers: int | None = None
    best: tuple[float, int, str] | None = None
    best_of: dict[str, tuple[float, int, Params]] = field(default_factory=dict)
    problem: str | None = None
    stopping: str | None = None
    run_dir: RunDir | None = None
    started_s: float | None = None
    time_left: TimeLeft | None = None

    def __post_init__(self) -> None:
        self._started_s = self.clock() if self.started_s is None else self.started_s
        self._time_left = self.time_left or TimeLeft(self.spec)

    @property
    def ended_count(self) -> int:
        """The number of trials that have ended."""
        return sum(self.ended.values())

    def count_finished(self, trial: TrialRecord) -> None:
        """Counts a trial that had finished before the study was resumed."""
        self.ended_before += 1
        self._count(trial.number, trial.model, trial.params, trial.state, trial.value)

    def update(self, event: StudyEvent) -> None:
        """Takes an event of the study into account."""
        match event:
            case StudyOpened(run_dir):
                self.run_dir = RunDir(run_dir)
            case TrialStarted(trial, worker):
                self.running[trial.number] = TrialProgress(trial, worker)
                self._time_left.start(trial.number)
            case TrialMeasured(number, measurement):
                self._measure(self.running[number], measurement)
            case TrialWaiting(number, reason):
                self._wait(number, reason)
            case TrialEnded():
                self._end(event)
            case WorkersChanged(ready, problem):
                self.workers = ready
                self.problem = problem or self.problem
            case StudyStopping(reason):
                self.stopping = f"stopping ({reason}): {STOPPING}"
            case _:
                pass

    def read_batches(self, most: int = 100) -> None:
        """Reads how far the workers of the first running trials are within their epochs."""
        if self.run_dir is not None:
            for trial in list(self.running.values())[:most]:
                trial.read_batches(self.run_dir.progress)

    def elapsed_s(self) -> float:
        """Returns the seconds since the view was opened."""
        return self.clock() - self._started_s

    def remaining_s(self) -> float | None:
        """Estimates the remaining seconds; None if it is too early. The estimate never grows."""
        rows = list(self.running.values())
        left = self.spec.trials - self.ended_count - len(rows)
        return self._time_left.estimate(rows, left, self.workers or 1)

    def _measure(self, running: TrialProgress, measurement: Measurement) -> None:
        running.measurement = measurement
        running.batches = None
        value = measurement.metrics.get(self.spec.search.objective)
        if value is not None:
            running.values.append(value)
        self._time_left.measure(running.model, measurement.elapsed_s / measurement.epoch)

    def _wait(self, number: int, reason: str) -> None:
        self.running.pop(number, None)
        if self.stopping is None:  # otherwise that is why it waits
            self.problem = f"trial {number} waits: {reason}"

    def _end(self, event: TrialEnded) -> None:
        running = self.running.pop(event.number, None)
        if event.error:
            self.problem = f"trial {event.number}: {event.error}"
        model, params = (running.model, running.trial.params) if running else ("", {})
        reason = self._reason(event, running)
        self.last_ended.appendleft(EndedTrial(event.number, model, params, event.state, reason))
        if running is not None:
            self._time_left.end(running.epoch / running.epochs)
        self._count(event.number, model, params, event.state, event.value)

    def _reason(self, event: TrialEnded, running: TrialProgress | None) -> str:
        if event.error is not None:
            return event.error
        value = "" if event.value is None else f"{event.value:.4f}"
        if event.state is not TrialState.PRUNED or running is None:
            return value
        after = f"after {running.epoch} of {running.epochs}"
        if event.bound is None or event.value is None:
            return f"{after}: {value}".removesuffix(": ")
        return f"{after}: {_comparison(event.value, event.bound)}{self._compared_with()}"

    def _compared_with(self) -> str:
        if self.spec.search.pruner.kind == "threshold":
            return ""
        return " of its kind" if len(self.spec.model_kinds) > 1 else " of the others"

    def _count(self, number: int, model: str, params: Params, state: TrialState, value: float | None) -> None:
        self.ended[state] = self.ended.get(state, 0) + 1
        if state is not TrialState.COMPLETE or value is None:
            return
        if self.best is None or self._is_better(value, self.best[0]):
            self.best = (value, number, model)
        if model not in self.best_of or self._is_better(value, self.best_of[model][0]):
            self.best_of[model] = (value, number, params)

    def _is_better(self, value: float, best: float) -> bool:
        return self.spec.search.direction.is_better(value, best)


def _comparison(value: float, bound: float) -> str:
    """Returns two different numbers with as many digits, at least 4, as tell them apart."""
    texts = ((f"{value:.{digits}f}", f"{bound:.{digits}f}") for digits in range(4, 10))
    one, other = next((pair for pair in texts if pair[0] != pair[1]), (f"{value!r}", f"{bound!r}"))
    return f"{one} {'<' if value < bound else '>'} {other}"
