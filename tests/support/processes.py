"""Processes that a test waits for or looks for."""

import socket
import time
from collections.abc import Callable

import psutil

PATIENCE_S, POLL_S = 120.0, 0.01


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Waits until the condition holds.

    Raises:
        AssertionError: it does not hold within two minutes; the message says what was awaited.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {PATIENCE_S} s: {what}"
        time.sleep(POLL_S)


def has_ended(process: psutil.Process) -> bool:
    """Whether a process is gone, or is a zombie that its parent does not reap."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_worker(process: psutil.Process) -> bool:
    """Whether a process is a worker on Ray, and has not ended since it was listed."""
    try:
        return process.name().startswith("ray::WorkerActor")
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    """A port of the loopback address on which nothing listens now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """Whether a process accepts connections to a port of the loopback address."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
