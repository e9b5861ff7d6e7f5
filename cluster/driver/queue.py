"""The driver's unfinished trials: those that wait for a worker, and those that a worker trains."""

from dataclasses import dataclass

from cluster.trial import TrialSpec


@dataclass(frozen=True)
class WaitingTrial:
    """A trial to start as soon as it is due and a worker is idle.

    Attributes:
        trial: what to train; the driver fills in `resume_from` when it starts.
        not_before_s: clock time before which it must not start.
        avoid: the worker that it failed on; any other is preferred.
        quarantined: whether to train it in a fresh process that no other trial uses, because it has crashed workers.
    """

    trial: TrialSpec
    not_before_s: float = 0.0
    avoid: str | None = None
    quarantined: bool = False


@dataclass
class RunningTrial:
    """An attempt in progress.

    Attributes:
        trial: what is trained, without the state that it resumed from.
        worker: the worker that trains it.
        deadline_s: clock time at which the worker counts as hung.
        quarantined: see WaitingTrial.
        epoch: the last epoch that was measured.
    """

    trial: TrialSpec
    worker: str
    deadline_s: float
    quarantined: bool = False
    epoch: int = 0


class Backlog:
    """The waiting trials, handed out in the order in which they were added, once they are due.

    Example:
        >>> from mnist_core.config import MlpConfig, TrainingConfig
        >>> trial = TrialSpec(0, MlpConfig(), TrainingConfig(), seed=0)
        >>> backlog = Backlog()
        >>> backlog.add(WaitingTrial(trial, not_before_s=10.0))
        >>> backlog.take_due(now_s=9.9) is None
        True
        >>> len(backlog)
        1
    """

    def __init__(self) -> None:
        """Creates an empty backlog."""
        self._waiting: list[WaitingTrial] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, waiting: WaitingTrial) -> None:
        """Adds a trial at the end."""
        self._waiting.append(waiting)

    def take_due(self, now_s: float) -> WaitingTrial | None:
        """Removes and returns the first trial that may start now; None if there is none."""
        for index, waiting in enumerate(self._waiting):
            if waiting.not_before_s <= now_s:
                return self._waiting.pop(index)
        return None
