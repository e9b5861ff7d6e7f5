"""Decides which final weights to keep: those of the best trial of each kind of network."""

from cluster.run_dir.checkpoints import Checkpoints
from cluster.spec.direction import Direction


class BestWeights:
    """Tracks the best complete trial of each kind of network; of equal ones, the one with the lower number."""

    def __init__(self, checkpoints: Checkpoints, direction: Direction) -> None:
        """Starts without any trial."""
        self._checkpoints = checkpoints
        self._direction = direction
        self._best: dict[str, tuple[float, int]] = {}  # kind -> rank key, which ends with the number

    def update(self, kind: str, number: int, value: float) -> bool:
        """Compares a complete trial with the best of its kind so far; returns whether to keep its final weights."""
        candidate = self._direction.rank_key(value, number)
        best = self._best.get(kind)
        if best is not None and best < candidate:
            self._checkpoints.discard(number)
            return False
        if best is not None:
            self._checkpoints.discard(best[1])
        self._best[kind] = candidate
        self._checkpoints.keep(number)
        return True
