"""What a pool reports to the driver. A bad outcome of a trial is one of these values, never an exception."""

from dataclasses import dataclass
from typing import Literal

from mnist_core.measurement import Measurement


@dataclass(frozen=True)
class Work:
    """Seconds that a worker spent on what it was told. other_s: neither training nor evaluation, e.g. packing."""

    training_s: float = 0.0
    evaluation_s: float = 0.0
    other_s: float = 0.0


@dataclass(frozen=True)
class Ready:
    """A worker has opened its context and waits for a trial; `pid` is its process on its node."""

    worker: str
    pid: int


@dataclass(frozen=True)
class Measured:
    """A trial has trained an epoch, but not its last; `state`, a packed TrainingState, comes along at times."""

    worker: str
    number: int
    measurement: Measurement
    state: bytes | None = None
    work: Work = Work()


@dataclass(frozen=True)
class Suspended:
    """A trial was put aside as the driver asked; `state` is all that is needed to go on."""

    worker: str
    number: int
    state: bytes
    work: Work = Work()


@dataclass(frozen=True)
class Finished:
    """A trial has trained all its epochs; `state` holds the final weights.

    `measurement` is of the last epoch; None where a trial was resumed after it.
    """

    worker: str
    number: int
    state: bytes
    weights_sha256: str
    work: Work = Work()
    measurement: Measurement | None = None


@dataclass(frozen=True)
class Failed:
    """Training raised; the worker lives on.

    Attributes:
        error: what happened, in one sentence.
        traceback: where, for those who mend it.
        retryable: whether another attempt could end differently.
        out_of_memory: whether it was memory that it lacked.
    """

    worker: str
    number: int
    error: str
    traceback: str
    retryable: bool = True
    out_of_memory: bool = False
    work: Work = Work()


LostReason = Literal["died", "memory", "other"]
"""Its process died or hung, for which its trial may be to blame; its node had no memory left; or its node died, ..."""


@dataclass(frozen=True)
class WorkerLost:
    """A worker is gone, and with it the trial that it had, if it had one; the pool replaces it.

    Attributes:
        cause: what happened, in one sentence.
        reason: of which kind that is.
    """

    worker: str
    cause: str
    reason: LostReason = "died"


WorkerEvent = Ready | Measured | Suspended | Finished | Failed | WorkerLost
