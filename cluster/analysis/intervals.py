"""How far a share that was measured on some images may be from the network's true one."""

import math

Z_95 = 1.959964
"""95 % of a normal distribution lie within this many standard deviations."""


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
