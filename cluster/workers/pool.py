"""The one seam between the driver and the places where trials run."""

from typing import Protocol

from cluster.trial import TrialSpec
from cluster.workers.events import WorkerEvent


class WorkerPool(Protocol):
    """A set of workers, each of which trains one trial at a time and is named once it is Ready.

    Every instruction returns at once; what comes of it is an event. A worker that is asked for nothing trains
    nothing: to prune a trial is not to ask again, and to start another one.
    """

    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        """Trains a trial's first epoch on an idle worker: Measured, Failed or, if it has no other, Finished follows.

        fresh: on a new process, which has trained nothing before, in the place of the worker's.
        """

    def advance(self, worker: str) -> None:
        """Trains one more epoch of the worker's trial: Measured, Failed or, after the last one, Finished follows."""

    def suspend(self, worker: str) -> None:
        """Asks for the state of the worker's trial, to go on another time: Suspended follows."""

    def kill(self, worker: str, cause: str) -> None:
        """Gives up a worker that no longer answers: WorkerLost follows, and later a replacement is Ready."""

    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        """The next thing that happened, or None if nothing did in time.

        Raises:
            EnvironmentLacks: no worker can be had any more.
        """

    @property
    def has_event(self) -> bool:
        """Whether `next_event` has one at hand, that happened at the same time as the last."""

    def close(self) -> None:
        """Ends all workers; nothing may be called afterwards."""
