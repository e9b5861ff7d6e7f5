"""The protocol between the driver and the places where trials run."""

from typing import Protocol

from cluster.trial import TrialSpec
from cluster.workers.events import WorkerEvent


class WorkerPool(Protocol):
    """A set of workers, each of which trains one trial at a time. Its Ready event gives a worker's name.

    Every instruction returns at once, and its result is an event. A worker without an instruction trains nothing: to
    prune a trial, the driver simply starts another one.
    """

    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        """Trains a trial's first epoch on an idle worker: Measured, Failed or, if it has no other, Finished follows.

        fresh: in a new process, which has trained nothing before and replaces the worker's.
        """

    def advance(self, worker: str) -> None:
        """Trains one more epoch of the worker's trial: Measured, Failed or, after the last one, Finished follows."""

    def suspend(self, worker: str) -> None:
        """Asks for the state of the worker's trial, to continue it later: Suspended follows."""

    def kill(self, worker: str, cause: str) -> None:
        """Kills a worker that no longer answers: WorkerLost follows, and later its replacement is Ready."""

    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        """Waits for the next event and returns it, or None after the timeout.

        Raises:
            EnvironmentProblem: no worker can be started any more.
        """

    @property
    def has_event(self) -> bool:
        """Whether another event is available at once, because it arrived together with the last one."""

    def close(self) -> None:
        """Ends all workers; no method may be called afterwards."""
