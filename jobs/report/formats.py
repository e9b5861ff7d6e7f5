"""Numbers as a report writes them."""

import math

DASH = "\u2013"
"""Stands where there is no value."""


def percent(share: float | None, digits: int = 2) -> str:
    """Returns a share in [0, 1] as a percentage; a dash if there is none.

    Example:
        >>> percent(0.98765)
        '98.77 %'
    """
    return DASH if share is None or not math.isfinite(share) else f"{share:.{digits}%}".replace("%", " %")


def number(value: float | None, digits: int = 4) -> str:
    """Returns a number with a fixed number of decimals; a dash if there is none."""
    return DASH if value is None else f"{value:.{digits}f}"


def duration(seconds: float) -> str:
    """Returns seconds as people say them.

    Example:
        >>> [duration(seconds) for seconds in (0.4, 42.4, 187, 7_260)]
        ['0.4 s', '42 s', '3 min 7 s', '2 h 1 min']
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, rest_minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {rest_minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def plural(count: int, thing: str) -> str:
    """Returns 1 as "1 trial", 2,000 as "2,000 trials"."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def time_unit(longest_s: float) -> tuple[str, float]:
    """Returns the unit for an axis of time up to this many seconds, and how many seconds it has."""
    if longest_s < 180:
        return "seconds", 1.0
    return ("minutes", 60.0) if longest_s < 10_800 else ("hours", 3600.0)


def finite(value: float | None, digits: int = 6) -> float | None:
    """Returns a number with this many significant digits, which keep a page small; None unless it is finite."""
    return float(f"{value:.{digits}g}") if value is not None and math.isfinite(value) else None
