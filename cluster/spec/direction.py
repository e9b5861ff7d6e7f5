"""Which values of an objective are better, and how trials rank by them."""

from enum import Enum


class Direction(str, Enum):
    """Whether large or small values are better. Names and values are those of Optuna."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    def is_better(self, value: float, other: float) -> bool:
        """Whether `value` is better than `other`; equal values are not."""
        return value > other if self is Direction.MAXIMIZE else value < other

    def reaches(self, value: float, goal: float) -> bool:
        """Whether `value` is as good as `goal` or better."""
        return not self.is_better(goal, value)

    def rank_key(self, value: float, number: int) -> tuple[float, int]:
        """A key that sorts trials best first, those with equal values by number.

        Args:
            value: the trial's objective, finite.
            number: the trial's number.
        """
        return (-value if self is Direction.MAXIMIZE else value), number
