"""How far a share that was measured on some images may be from the network's true one, and a difference from zero."""

import math
from dataclasses import dataclass

Z_95 = 1.959964
"""95 % of a normal distribution lie within this many standard deviations."""


@dataclass(frozen=True)
class ShareDifference:
    """By how much a second network is better than a first one.

    Attributes:
        value: the second share minus the first.
        low, high: the 95 % interval.
    """

    value: float
    low: float
    high: float

    @property
    def is_noise(self) -> bool:
        """Whether the two may be equal: the interval contains zero."""
        return self.low <= 0.0 <= self.high


def share_interval(share: float, images: int) -> tuple[float, float]:
    """Returns the 95 % interval of a share of correct predictions, by Wilson's formula.

    Args:
        share: in [0, 1], measured.
        images: on how many independent images, at least 1.

    Example:
        >>> low, high = share_interval(0.98, 10_000)
        >>> f"{low:.4f} to {high:.4f}"
        '0.9771 to 0.9826'
    """
    square = Z_95**2
    middle = (share + square / (2 * images)) / (1 + square / images)
    half = Z_95 * math.sqrt(share * (1 - share) / images + square / (4 * images**2)) / (1 + square / images)
    return max(0.0, middle - half), min(1.0, middle + half)


def independent_difference(first: float, first_images: int, second: float, second_images: int) -> ShareDifference:
    """Returns the difference of two shares, each measured on its own images: Newcombe's interval of two proportions.

    It joins the two Wilson intervals (Newcombe 1998, method 10), so it holds near 100 %, too. For shares measured on
    the same images it is too wide, because what is hard for one network is hard for the other.

    Example:
        >>> gap = independent_difference(0.98, 10_000, 0.983, 10_000)
        >>> f"{gap.value:.4f} ({gap.low:.4f} to {gap.high:.4f}) {gap.is_noise}"
        '0.0030 (-0.0007 to 0.0068) True'
    """
    first_low, first_high = share_interval(first, first_images)
    second_low, second_high = share_interval(second, second_images)
    value = second - first
    below = math.hypot(second - second_low, first_high - first)
    above = math.hypot(second_high - second, first - first_low)
    return ShareDifference(value, value - below, value + above)


def paired_difference(only_first: int, only_second: int, images: int) -> ShareDifference:
    """Returns the difference of two shares measured on the same images, from those that one network only reads right.

    The interval is that of McNemar's test: under the hypothesis that both networks are equal, each is as likely as the
    other to be the one that is right; Wilson's interval of that share contains one half if, and only if, the test finds
    no difference.

    Args:
        only_first: how many images only the first network reads right.
        only_second: how many images only the second network reads right.
        images: how many there are.

    Example:
        >>> gap = paired_difference(10, 30, 10_000)
        >>> f"{gap.value:.4f} ({gap.low:.4f} to {gap.high:.4f}) {gap.is_noise}"
        '0.0020 (0.0008 to 0.0029) False'
    """
    differing = only_first + only_second
    if differing == 0:
        return ShareDifference(0.0, 0.0, 0.0)
    low, high = share_interval(only_second / differing, differing)
    scale = differing / images
    return ShareDifference((only_second - only_first) / images, scale * (2 * low - 1), scale * (2 * high - 1))
