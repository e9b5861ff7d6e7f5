"""The signals that ask a command to stop: Ctrl-C, SIGTERM, and SIGHUP, which a terminal sends when it closes.

A terminal that closes sends SIGHUP once or more (the kernel, then the shell), and a logout sends it after SIGTERM. So
only the first counts, and never as a second request.
"""

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeAlias

Handler: TypeAlias = Callable[[int, FrameType | None], Any] | int | None
"""What `signal.signal` takes and returns."""


def stop_signals() -> tuple[signal.Signals, ...]:
    """Returns the signals that ask to stop; SIGHUP is not one of them if it is ignored, as under `nohup`."""
    hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hangs_up else []))


@contextmanager
def signals_as_keyboard_interrupt() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP raise KeyboardInterrupt in the block, as Python does for SIGINT."""
    before = install_handler(_interrupt, [number for number in stop_signals() if number != signal.SIGINT])
    try:
        yield
    finally:
        restore_handlers(before)


def ignore_hangups() -> None:
    """Ignores SIGHUP from now on, until this process ends."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def install_handler(handler: Handler, signals: Iterable[signal.Signals]) -> dict[signal.Signals, Handler]:
    """Installs a handler for signals, and returns those that they had."""
    return {number: signal.signal(number, handler) for number in signals}


def restore_handlers(before: Mapping[signal.Signals, Handler]) -> None:
    """Restores the handlers of stop signals, but keeps ignoring SIGHUP after `ignore_hangups`."""
    for number, handler in before.items():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    if signum == signal.SIGHUP:
        ignore_hangups()
    raise KeyboardInterrupt
