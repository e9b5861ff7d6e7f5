"""The trials that wait for a worker: resumed ones, and failed ones until their delay has passed."""

from dataclasses import dataclass

from cluster.spec.space import Params
from cluster.trial import TrialSpec


@dataclass(frozen=True)
class WaitingTrial:
    """A trial that was begun before.

    Attributes:
        trial: what to train; its `resume_from` is filled in when it starts.
        params: what the search chose for it.
        not_before_s: clock time before which it must not start.
        avoid: the worker that it failed on; another one is preferred.
        quarantined: it trains on a worker of its own, as it took others along.
    """

    trial: TrialSpec
    params: Params
    not_before_s: float = 0.0
    avoid: str | None = None
    quarantined: bool = False


class Backlog:
    """Hands out waiting trials in the order in which they came, as soon as they are due."""

    def __init__(self) -> None:
        """Empty."""
        self._waiting: list[WaitingTrial] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, waiting: WaitingTrial) -> None:
        """Puts a trial at the end."""
        self._waiting.append(waiting)

    def take_due(self, now_s: float) -> WaitingTrial | None:
        """The first trial that may start now, or None."""
        for index, waiting in enumerate(self._waiting):
            if waiting.not_before_s <= now_s:
                return self._waiting.pop(index)
        return None
