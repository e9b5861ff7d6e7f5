"""The events that a pool reports to the driver. A trial's bad outcome is an event, never an exception."""

from dataclasses import dataclass
from typing import Literal

from mnist_core.measurement import Measurement


@dataclass(frozen=True)
class Work:
    """Seconds that a worker spent on an instruction. other_s: all but training and evaluation, e.g. packing."""

    training_s: float = 0.0
    evaluation_s: float = 0.0
    other_s: float = 0.0


@dataclass(frozen=True)
class Ready:
    """A worker has opened its context and waits for a trial; `pid` is its process."""

    worker: str
    pid: int


@dataclass(frozen=True)
class Measured:
    """A trial has trained an epoch, but not its last; `state` is a packed TrainingState, if one was due."""

    worker: str
    number: int
    measurement: Measurement
    state: bytes | None = None
    work: Work = Work()


@dataclass(frozen=True)
class Suspended:
    """A trial was suspended at the driver's request; `state` holds everything needed to continue it."""

    worker: str
    number: int
    state: bytes
    work: Work = Work()


@dataclass(frozen=True)
class Finished:
    """A trial has trained all its epochs; `state` holds the final weights.

    `measurement` is that of the last epoch; None if the trial was resumed after it.
    """

    worker: str
    number: int
    state: bytes
    weights_sha256: str
    work: Work = Work()
    measurement: Measurement | None = None


@dataclass(frozen=True)
class Failed:
    """Training raised an exception; the worker is still running.

    Attributes:
        error: what happened, in one sentence.
        traceback: the traceback of the exception.
        retryable: whether another attempt could end differently.
        out_of_memory: whether memory ran out.
    """

    worker: str
    number: int
    error: str
    traceback: str
    retryable: bool = True
    out_of_memory: bool = False
    work: Work = Work()


LostReason = Literal["died", "memory", "other"]
"""died: the process crashed or hung, perhaps because of its trial; memory: the node ran out of memory; other: anything
else, e.g. the node was lost."""


@dataclass(frozen=True)
class WorkerLost:
    """A worker was lost, and with it the attempt that it was training, if any; the pool replaces the worker.

    Attributes:
        cause: what happened, in one sentence.
        reason: the kind of cause.
    """

    worker: str
    cause: str
    reason: LostReason = "died"


WorkerEvent = Ready | Measured | Suspended | Finished | Failed | WorkerLost
