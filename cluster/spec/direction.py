"""Which values of an objective are better, and how to rank trials by them."""

from enum import Enum


class Direction(str, Enum):
    """Whether large or small values are better; names and values are Optuna's."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    def is_better(self, value: float, other: float) -> bool:
        """Returns whether `value` is strictly better than `other`."""
        return value > other if self is Direction.MAXIMIZE else value < other

    def reaches(self, value: float, goal: float) -> bool:
        """Returns whether `value` is at least as good as `goal`."""
        return not self.is_better(goal, value)

    def rank_key(self, value: float, number: int) -> tuple[float, int]:
        """Returns a key that sorts trials best first, and those with equal values by number.

        Args:
            value: the trial's objective, finite.
            number: the trial's number.
        """
        return (-value if self is Direction.MAXIMIZE else value), number
