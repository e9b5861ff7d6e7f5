"""Notices that this process did not run: it was stopped, as `docker pause` and SIGSTOP do. Changes nothing."""

from collections.abc import Callable

# The longest time between two calls that counts as time in which this process ran.
LONGEST_TURN_S = 1.0


class PauseMeter:
    """Measures how long a loop was paused that turns several times a second.

    While it is paused, it receives nothing, and what it waits for is probably paused too: deadlines should move.

    Example:
        >>> times_s = iter([0.0, 0.2, 60.0])
        >>> meter = PauseMeter(lambda: next(times_s))
        >>> meter.paused_s()
        0.0
        >>> meter.paused_s()
        58.8
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Reads the clock, which gives seconds."""
        self._clock = clock
        self._last_s = clock()

    def paused_s(self) -> float:
        """Returns the seconds since the last call, or since the start, without LONGEST_TURN_S; 0.0 if that is less."""
        before_s, self._last_s = self._last_s, self._clock()
        return max(0.0, self._last_s - before_s - LONGEST_TURN_S)
