"""Owns one context and trains one trial at a time on it, epoch by epoch, as it is told. Knows no Ray and no files."""

import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from cluster.machine.memory import free_bytes, trim_heap, wait_for_memory
from cluster.trial import TrialSpec
from cluster.workers.events import Failed, Finished, Measured, Suspended, Work
from mnist_core.context import DeviceKind, open_context
from mnist_core.data.dataset import Dataset, split
from mnist_core.errors import InputError
from mnist_core.measurement import Measurement
from mnist_core.model.parameters import weights_sha256
from mnist_core.training.state import pack, unpack

if TYPE_CHECKING:
    from mnist_core.training.trainer import Trainer

# Training states may take so much of the time of training: one that was expensive is followed by a longer pause.
STATE_SHARE = 0.02

TrialEvent = Measured | Finished | Failed

_PERMANENT_ERRORS = (
    InputError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
)

_OUT_OF_MEMORY_WORDS = ("out of memory", "bad_alloc", "failed to allocate")


@dataclass(frozen=True)
class WorkerSettings:
    """What all workers of a study have in common.

    Attributes:
        holdout: how many training images validate, or "test".
        seed: of the hold-out.
        state_every_s: how often, at most, a measurement carries the training state along; 0 for each one.
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
        self._running: TrialInProgress | None = None

    def start(self, trial: TrialSpec) -> TrialEvent:
        """Trains the trial's first epoch, or the next one after the state it resumes from."""
        self._running = None  # the trial before
        return self._run(trial.number, lambda: self._begin_trial(trial))

    def advance(self) -> TrialEvent:
        """Trains one more epoch of the trial."""
        running = self._current()
        running.schedule_next_state(self._state_every_s)
        return self._run(running.number, lambda: self._next_event(running))

    def suspend(self) -> Suspended:
        """The trial's state after its last epoch."""
        began_s = time.perf_counter()
        running = self._current()
        state = running.packed_state()
        return Suspended(self._name, running.number, state, Work(other_s=time.perf_counter() - began_s))

    def _begin_trial(self, trial: TrialSpec) -> TrialEvent:
        from mnist_core.training.trainer import Trainer  # imports MXNet, for the device of the opened context

        trim_heap()
        if trial.waits_for_memory:
            wait_for_memory()
        training = Trainer(trial.model, trial.training, self._split, trial.seed, self._context, free_bytes)
        due_s = time.monotonic() + self._state_every_s
        self._running = TrialInProgress(trial.number, training, trial.training.epochs, training.epochs(), due_s)
        if trial.resume_from is not None:
            state = unpack(trial.resume_from)
            training.restore(state)
            self._running.elapsed_s = state.elapsed_s
        return self._next_event(self._running)

    def _next_event(self, running: "TrialInProgress") -> TrialEvent:
        measurement = next(running.epochs, None)
        work = Work() if measurement is None else self._work(running, measurement)
        if measurement is not None and measurement.epoch < running.epochs_in_all:
            return Measured(self._name, running.number, measurement, running.due_state(), work)
        self._running = None
        state = running.training.state()
        return Finished(self._name, running.number, pack(state), weights_sha256(state.weights), work, measurement)

    def _work(self, running: "TrialInProgress", measurement: Measurement) -> Work:
        training_s = len(self._split.train) / measurement.metrics["perf/samples_per_second"]
        epoch_s, running.elapsed_s = measurement.elapsed_s - running.elapsed_s, measurement.elapsed_s
        return Work(training_s, evaluation_s=epoch_s - training_s)

    def _run(self, number: int, train: Callable[[], TrialEvent]) -> TrialEvent:
        began_s = time.perf_counter()
        try:
            event = train()
        except Exception as err:  # noqa: BLE001 - the worker's border: whatever a trial raises is an event
            self._running = None
            out_of_memory = _is_out_of_memory(err)
            retryable = out_of_memory or not _is_permanent(err)
            event = Failed(self._name, number, _summarize_error(err), traceback.format_exc(), retryable, out_of_memory)
        work = event.work
        other_s = time.perf_counter() - began_s - work.training_s - work.evaluation_s
        return replace(event, work=replace(work, other_s=other_s))

    def _current(self) -> "TrialInProgress":
        if self._running is None:
            raise RuntimeError(f"worker {self._name} has no trial to go on with")
        return self._running


@dataclass
class TrialInProgress:
    """The trial that a worker is at, and when its state was sent.

    Attributes:
        number: the trial's.
        training: as it is after the last epoch.
        epochs_in_all: how many it trains.
        epochs: each one trains when it is asked for.
        state_due_s: when, by the monotonic clock, the next state may be sent.
        elapsed_s: seconds of the trial up to the epoch that was measured last.
        state_left_s: when the last state was packed, while it is on its way.
    """

    number: int
    training: "Trainer"
    epochs_in_all: int
    epochs: Iterator[Measurement]
    state_due_s: float
    elapsed_s: float = 0.0
    state_left_s: float | None = None

    def packed_state(self) -> bytes:
        """All that is needed to go on after the last epoch."""
        return pack(self.training.state())

    def due_state(self) -> bytes | None:
        """The packed state, if it is time for one."""
        now_s = time.monotonic()
        if now_s < self.state_due_s:
            return None
        self.state_left_s = now_s
        return self.packed_state()

    def schedule_next_state(self, every_s: float) -> None:
        """The next instruction has come: until now the worker did nothing but pack, send and wait for the driver."""
        if self.state_left_s is not None:
            now_s = time.monotonic()
            pause_s = max(every_s, (now_s - self.state_left_s) / STATE_SHARE) if every_s else 0.0
            self.state_due_s, self.state_left_s = now_s + pause_s, None


def _summarize_error(err: Exception) -> str:
    """The kind of error, and the first line of its message; MXNet puts a traceback before it."""
    lines = [line for line in str(err).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Traceback", " "))] or lines or ["no message"]
    kind = type(err).__name__
    return f"{kind}: {told[0].strip().removeprefix(f'{kind}: ')}"


def _is_permanent(err: Exception) -> bool:
    """Whether a trial would raise this again: it is a pure function of its spec and the data.

    A lack of memory, a file that cannot be read or a device that fails may pass; a wrong shape or value will not.
    MXNet tells a wrong shape in its words only.
    """
    return isinstance(err, _PERMANENT_ERRORS) or (
        type(err).__name__ == "MXNetError" and "Error in operator" in str(err)
    )


def _is_out_of_memory(err: BaseException) -> bool:
    """Whether memory lacked, or did when another error was met on the way out."""
    words = str(err).lower()
    if isinstance(err, MemoryError) or any(each in words for each in _OUT_OF_MEMORY_WORDS):
        return True
    return err.__context__ is not None and _is_out_of_memory(err.__context__)
