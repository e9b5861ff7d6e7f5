"""A trial that a worker trains now, as the driver keeps it in mind."""

from dataclasses import dataclass

from cluster.driver.queue import WaitingTrial


@dataclass
class RunningTrial:
    """One attempt.

    Attributes:
        given: what the worker was given.
        worker: who trains it.
        deadline_s: clock time at which its worker is taken to hang.
        epoch: the last one that was measured.
    """

    given: WaitingTrial
    worker: str
    deadline_s: float
    epoch: int = 0

    @property
    def epochs(self) -> int:
        """How many it will train."""
        return self.given.trial.training.epochs
