"""Keeps the final weights of the best trial of each kind of network, and no others."""

from cluster.run_dir.checkpoints import Checkpoints
from cluster.spec.study_spec import Direction


class BestWeights:
    """The best complete trial of each kind so far; of equals the one with the lower number."""

    def __init__(self, checkpoints: Checkpoints, direction: Direction) -> None:
        """None yet."""
        self._checkpoints = checkpoints
        self._sign = 1.0 if direction == "maximize" else -1.0
        self._best: dict[str, tuple[float, int]] = {}  # kind -> (gain, -number)

    def update(self, kind: str, number: int, value: float) -> bool:
        """A trial is complete: whether it is the best of its kind, whose weights are to be kept from now on."""
        candidate, best = (self._sign * value, -number), self._best.get(kind)
        if best is not None:
            self._checkpoints.discard(-min(candidate, best)[1])
        self._best[kind] = candidate if best is None else max(candidate, best)
        if self._best[kind] != candidate:
            return False
        self._checkpoints.keep(number)
        return True
