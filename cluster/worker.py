"""Owns one context and trains one trial at a time on it, epoch by epoch, as it is told. Knows no Ray and no files."""

import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from cluster.events import Failed, Finished, Measured, Suspended, Work
from cluster.trial import TrialSpec
from mnist_core.checkpoint import pack, unpack, weights_sha256
from mnist_core.context import DeviceKind, open_context
from mnist_core.dataset import Dataset, split
from mnist_core.errors import InputError
from mnist_core.measurement import Measurement

if TYPE_CHECKING:
    from mnist_core.training import Training

TrialEvent = Measured | Finished | Failed


@dataclass(frozen=True)
class WorkerSettings:
    """What all workers of a study have in common.

    Attributes:
        holdout: how many training images validate, or "test".
        seed: of the hold-out.
        state_every_s: how often, at most, a measurement carries the training state along.
    """

    holdout: int | Literal["test"]
    seed: int
    state_every_s: float = 10.0


class TrialWorker(Protocol):
    """What a pool needs of a worker: see Worker, whose instructions these are."""

    def start(self, trial: TrialSpec) -> TrialEvent: ...  # noqa: D102

    def advance(self) -> TrialEvent: ...  # noqa: D102

    def suspend(self) -> Suspended: ...  # noqa: D102


MakeWorker = Callable[[str, DeviceKind, Dataset, WorkerSettings], TrialWorker]
"""Makes a worker of this name, in its own process: `Worker` does."""


class Worker:
    """Trains trials on the context that this process owns."""

    def __init__(self, name: str, device: DeviceKind, dataset: Dataset, settings: WorkerSettings) -> None:
        """Opens the context.

        Raises:
            EnvironmentLacks: MXNet or the device cannot be had.
            DataError: the hold-out does not fit the data.
        """
        self._name = name
        self._context = open_context(device)
        self._split = split(dataset, settings.holdout, settings.seed)
        self._state_every_s = settings.state_every_s
        self._running: _RunningTrial | None = None

    def start(self, trial: TrialSpec) -> TrialEvent:
        """Trains the trial's first epoch, or the next one after the state it resumes from."""
        self._running = None  # frees the memory of the trial before
        return self._reported(trial.number, lambda: self._begin(trial))

    def advance(self) -> TrialEvent:
        """Trains one more epoch of the trial."""
        running = self._current()
        return self._reported(running.number, lambda: self._next_event(running))

    def suspend(self) -> Suspended:
        """The trial's state after its last epoch."""
        began_s = time.perf_counter()
        running = self._current()
        state = running.packed_state()
        return Suspended(self._name, running.number, state, Work(other_s=time.perf_counter() - began_s))

    def _begin(self, trial: TrialSpec) -> TrialEvent:
        from mnist_core.training import Training  # imports MXNet, for the device of the opened context

        training = Training(trial.model, trial.training, self._split, trial.seed, self._context)
        self._running = _RunningTrial(
            trial.number, training, trial.training.epochs, training.epochs(), time.monotonic()
        )
        if trial.resume_from is not None:
            state = unpack(trial.resume_from)
            training.restore(state)
            self._running.elapsed_s = state.elapsed_s
        return self._next_event(self._running)

    def _next_event(self, running: "_RunningTrial") -> TrialEvent:
        measurement = next(running.epochs, None)
        work = Work() if measurement is None else self._work(running, measurement)
        if measurement is not None and measurement.epoch < running.epochs_in_all:
            return Measured(self._name, running.number, measurement, self._due_state(running), work)
        self._running = None
        state = running.training.state()
        return Finished(self._name, running.number, pack(state), weights_sha256(state.weights), work, measurement)

    def _work(self, running: "_RunningTrial", measurement: Measurement) -> Work:
        training_s = len(self._split.train) / measurement.metrics["perf/samples_per_second"]
        epoch_s, running.elapsed_s = measurement.elapsed_s - running.elapsed_s, measurement.elapsed_s
        return Work(training_s, evaluation_s=epoch_s - training_s)

    def _due_state(self, running: "_RunningTrial") -> bytes | None:
        now = time.monotonic()
        if now - running.state_sent_s < self._state_every_s:
            return None
        running.state_sent_s = now
        return running.packed_state()

    def _reported(self, number: int, train: Callable[[], TrialEvent]) -> TrialEvent:
        began_s = time.perf_counter()
        try:
            event = train()
        except Exception as err:  # noqa: BLE001 - the worker's border: whatever a trial raises is an event
            self._running = None
            sentence = f"{type(err).__name__}: {str(err).strip().splitlines()[0] if str(err).strip() else 'no message'}"
            event = Failed(self._name, number, sentence, traceback.format_exc(), not isinstance(err, InputError))
        work = event.work
        other_s = time.perf_counter() - began_s - work.training_s - work.evaluation_s
        return replace(event, work=replace(work, other_s=other_s))

    def _current(self) -> "_RunningTrial":
        if self._running is None:
            raise RuntimeError(f"worker {self._name} has no trial to go on with")
        return self._running


@dataclass
class _RunningTrial:
    number: int
    training: "Training"
    epochs_in_all: int
    epochs: Iterator[Measurement]
    state_sent_s: float
    elapsed_s: float = 0.0  # after the epoch that was measured last

    def packed_state(self) -> bytes:
        return pack(self.training.state())
