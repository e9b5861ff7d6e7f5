"""The events that observers of a study, such as TensorBoard and the terminal, receive. Observers change nothing.

An event arrives before the store commits what it reports.
"""

from dataclasses import dataclass
from pathlib import Path

from cluster.trial import TrialSpec, TrialState
from mnist_core.measurement import Measurement


@dataclass(frozen=True)
class StudyOpened:
    """The run directory of the study is ready, and its workers will start now; is_local: in the driver's process."""

    run_dir: Path
    is_local: bool = False


@dataclass(frozen=True)
class TrialStarted:
    """A worker was given a trial, for the first time or again."""

    trial: TrialSpec
    worker: str


@dataclass(frozen=True)
class TrialMeasured:
    """A trial has trained one more epoch."""

    number: int
    measurement: Measurement


@dataclass(frozen=True)
class TrialWaiting:
    """A trial was suspended or failed, and will continue later."""

    number: int
    reason: str


@dataclass(frozen=True)
class TrialEnded:
    """A trial has ended.

    Attributes:
        value: the objective of a complete or pruned trial.
        error: why it failed.
        bound: what a pruned trial had to reach to continue; None if its pruner has no such value.
    """

    number: int
    state: TrialState
    value: float | None = None
    error: str | None = None
    bound: float | None = None


@dataclass(frozen=True)
class WorkersChanged:
    """The number of ready workers changed; `problem`: why a worker was lost, if one was."""

    ready: int
    problem: str | None = None


@dataclass(frozen=True)
class StudyStopping:
    """No more trials will be started, and the running ones will be suspended after their epoch."""

    reason: str


@dataclass(frozen=True)
class StudyWarning:
    """A problem that does not stop the study, in one sentence."""

    message: str


StudyEvent = (
    StudyOpened
    | TrialStarted
    | TrialMeasured
    | TrialWaiting
    | TrialEnded
    | WorkersChanged
    | StudyStopping
    | StudyWarning
)


class StudyObserver:
    """Receives the events of a study. The base class ignores them all; subclasses handle those they need."""

    def notify(self, event: StudyEvent) -> None:
        """Handles one event; must ignore events that it does not know."""
