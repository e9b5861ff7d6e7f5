"""The protocol between the driver and the workers that train trials."""

from typing import Protocol

from cluster.trial import TrialSpec
from cluster.workers.events import WorkerEvent


class WorkerPool(Protocol):
    """A set of workers, each of which trains one trial at a time and is named by its Ready event.

    Every instruction returns at once, and its result is an event. A worker without an instruction trains nothing: to
    prune a trial, the driver simply starts another one.
    """

    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        """Trains a trial's first epoch on an idle worker: Measured, Failed or, if it has no other, Finished follows.

        fresh: whether to use a new process, which has trained nothing before and replaces the worker's.
        """

    def advance(self, worker: str) -> None:
        """Trains one more epoch of the worker's trial: Measured, Failed or, after the last one, Finished follows."""

    def suspend(self, worker: str) -> None:
        """Suspends the worker's trial, to continue it later: Suspended follows, with its state."""

    def kill(self, worker: str, cause: str) -> None:
        """Kills a worker that no longer answers: WorkerLost follows, and later its replacement is Ready."""

    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        """Waits for the next event and returns it, or None after the timeout.

        Raises:
            EnvironmentProblem: no worker is left, and none can be started.
        """

    @property
    def has_event(self) -> bool:
        """Returns whether another event is available at once, because it arrived together with the last one."""

    def close(self) -> None:
        """Ends all workers; no method may be called afterwards."""
