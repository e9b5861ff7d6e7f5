"""A worker: owns one context and trains one trial at a time, epoch by epoch, as instructed. Uses no Ray, no files."""

import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from cluster.machine.memory import free_bytes, trim_heap, wait_for_memory
from cluster.trial import MEMORY_PATIENCE_S, TrialSpec
from cluster.workers.batch_progress import BatchReporter
from cluster.workers.events import Failed, Finished, Measured, Suspended, Work
from cluster.workers.trial_errors import is_out_of_memory, is_permanent, summarize_error
from mnist_core.context import DeviceKind, open_context
from mnist_core.data.dataset import Dataset, split
from mnist_core.measurement import Measurement
from mnist_core.model.parameters import weights_sha256
from mnist_core.training.state import pack, unpack

if TYPE_CHECKING:
    from mnist_core.training.trainer import Trainer

# The share of training time that sending states may take; the more one costs, the later the next is sent.
STATE_SHARE = 0.02

TrialEvent = Measured | Finished | Failed


@dataclass(frozen=True)
class WorkerSettings:
    """The settings that all workers of a study share.

    Attributes:
        holdout: number of training images held out for validation, or "test".
        seed: the seed of the hold-out.
        state_every_s: minimum seconds between measurements that carry the training state; 0 for every measurement.
        progress: the folder in which each worker says how far it is within an epoch; None for nowhere.
    """

    holdout: int | Literal["test"]
    seed: int
    state_every_s: float = 10.0
    progress: str | None = None


class TrialWorker(Protocol):
    """What a pool needs from a worker; Worker documents the instructions."""

    def start(self, trial: TrialSpec) -> TrialEvent: ...  # noqa: D102

    def advance(self) -> TrialEvent: ...  # noqa: D102

    def suspend(self) -> Suspended: ...  # noqa: D102


MakeWorker = Callable[[str, DeviceKind, Dataset, WorkerSettings], TrialWorker]
"""Creates a worker with this name in the calling process, like `Worker`."""


class Worker:
    """Trains trials on the context that this process owns.

    Example:
        worker = Worker("cpu-0", "cpu", dataset, WorkerSettings(holdout=10_000, seed=0))
        event = worker.start(trial)
        while isinstance(event, Measured):
            event = worker.advance()
    """

    def __init__(
        self,
        name: str,
        device: DeviceKind,
        dataset: Dataset,
        settings: WorkerSettings,
        wait: Callable[[float], object] = wait_for_memory,
    ) -> None:
        """Opens the context.

        Args:
            name: e.g. "cpu-0".
            device: the kind of context to own.
            dataset: the data that its trials train on.
            settings: the study's settings.
            wait: waits for free memory, up to this many seconds.

        Raises:
            EnvironmentProblem: MXNet or the device is not available.
            DataError: the hold-out does not fit the data.
        """
        self._name = name
        self._context = open_context(device)
        self._split = split(dataset, settings.holdout, settings.seed)
        self._state_every_s = settings.state_every_s
        self._wait_for_memory = wait
        self._reporter = BatchReporter(settings.progress, name)
        self._current: TrialInProgress | None = None

    def start(self, trial: TrialSpec) -> TrialEvent:
        """Trains the trial's first epoch, or the first one after the state that it resumes from."""
        self._current = None  # frees the previous trial's memory
        return self._run(trial.number, lambda: self._begin_trial(trial))

    def advance(self) -> TrialEvent:
        """Trains one more epoch of the trial."""
        current = self._trial_in_progress()
        current.schedule_next_state(self._state_every_s, time.monotonic())
        return self._run(current.number, lambda: self._train_epoch(current))

    def suspend(self) -> Suspended:
        """Returns the trial's state after its last epoch."""
        started_s = time.perf_counter()
        current = self._trial_in_progress()
        state = current.packed_state()
        return Suspended(self._name, current.number, state, Work(other_s=time.perf_counter() - started_s))

    def _begin_trial(self, trial: TrialSpec) -> TrialEvent:
        from mnist_core.training.trainer import Trainer  # imports MXNet, for the device of the opened context

        trim_heap()
        if trial.waits_for_memory:
            self._wait_for_memory(MEMORY_PATIENCE_S)
        trainer = Trainer(trial.model, trial.training, self._split, trial.seed, self._context, free_bytes)
        state_due_s = time.monotonic() + self._state_every_s
        epochs = trainer.epochs(self._reporter.for_trial(trial.number))
        self._current = TrialInProgress(trial.number, trainer, trial.training.epochs, epochs, state_due_s)
        if trial.resume_from is not None:
            state = unpack(trial.resume_from)
            trainer.restore(state)
            self._current.elapsed_s = state.elapsed_s
        return self._train_epoch(self._current)

    def _train_epoch(self, current: "TrialInProgress") -> TrialEvent:
        measurement = next(current.epochs, None)
        work = Work() if measurement is None else current.work_of(measurement)
        if measurement is not None and measurement.epoch < current.last_epoch:
            return Measured(self._name, current.number, measurement, current.due_state(), work)
        self._current = None
        state = current.trainer.state()
        return Finished(self._name, current.number, pack(state), weights_sha256(state.weights), work, measurement)

    def _run(self, number: int, train: Callable[[], TrialEvent]) -> TrialEvent:
        """Trains, turns any exception into an event, and adds the time that is neither training nor evaluation."""
        started_s = time.perf_counter()
        try:
            event = train()
        except Exception as err:  # noqa: BLE001 - at the worker's boundary, anything a trial raises becomes an event
            self._current = None
            out_of_memory = is_out_of_memory(err)
            retryable = out_of_memory or not is_permanent(err)
            event = Failed(self._name, number, summarize_error(err), traceback.format_exc(), retryable, out_of_memory)
        work = event.work
        other_s = time.perf_counter() - started_s - work.training_s - work.evaluation_s
        return replace(event, work=replace(work, other_s=other_s))

    def _trial_in_progress(self) -> "TrialInProgress":
        if self._current is None:
            raise RuntimeError(f"worker {self._name} has no trial to continue")
        return self._current


@dataclass
class TrialInProgress:
    """The trial that a worker is training, and when its state was last sent.

    Attributes:
        number: the trial's number.
        trainer: the trainer, as of the last epoch.
        last_epoch: the number of epochs that the trial has.
        epochs: an iterator that trains one epoch per item.
        state_due_s: monotonic time from which the next state may be sent.
        elapsed_s: seconds of the trial up to its last measurement.
        state_sent_s: monotonic time at which a state was packed; None once its cost is known.
    """

    number: int
    trainer: "Trainer"
    last_epoch: int
    epochs: Iterator[Measurement]
    state_due_s: float
    elapsed_s: float = 0.0
    state_sent_s: float | None = None

    def work_of(self, measurement: Measurement) -> Work:
        """Returns the seconds of training and evaluation since the last measurement."""
        epoch_s = measurement.elapsed_s - self.elapsed_s
        self.elapsed_s = measurement.elapsed_s
        return Work(measurement.training_s, evaluation_s=epoch_s - measurement.training_s)

    def packed_state(self) -> bytes:
        """Packs everything needed to continue after the last epoch."""
        return pack(self.trainer.state())

    def due_state(self) -> bytes | None:
        """Packs the state if one is due, else returns None."""
        now_s = time.monotonic()
        if now_s < self.state_due_s:
            return None
        self.state_sent_s = now_s
        return self.packed_state()

    def schedule_next_state(self, every_s: float, now_s: float) -> None:
        """Sets when the next state is due, now that the cost of the last one is known.

        That cost is the time since packing began, in which the worker only packed, sent and waited for the driver.
        """
        if self.state_sent_s is not None:
            pause_s = max(every_s, (now_s - self.state_sent_s) / STATE_SHARE) if every_s else 0.0
            self.state_due_s = now_s + pause_s
            self.state_sent_s = None
