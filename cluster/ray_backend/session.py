"""Starts or joins Ray, quietly and authenticated, and leaves it again. Runs nothing on it."""

import logging
import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mnist_core.errors import ClusterUnavailable

ANSWERS_WITHIN_S = 10.0
FEWEST_FILES = 64

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray prints the cluster's error messages on the driver's terminal; what matters of them arrives as an event.
    "RAY_DEDUP_LOGS": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_COLOR_PREFIX": "0",
}


@contextmanager
def ray_session(address: str | None, cpus: int | None) -> Iterator[None]:
    """Joins the cluster at an address, or starts one on this machine.

    It is authenticated by a token, without which whoever reaches a port of a cluster can run code on it, unless the
    user's own RAY_AUTH_MODE says otherwise. A submitted process meets its cluster as the cluster was started.

    Args:
        address: as `ray.init` takes it, or None.
        cpus: how many CPUs a cluster on this machine offers; None for as many as it has cores.

    Raises:
        ClusterUnavailable: Ray cannot be started or reached.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if not _is_submitted():
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    if address:
        _check_that_it_answers(address)
    else:
        _check_limit_of_files()
    import ray

    started_here: dict[str, Any] = {} if address else {"num_cpus": cpus, "include_dashboard": False}
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.CRITICAL, **started_here)
    except SystemExit as err:  # Ray's own answer to SIGTERM
        raise KeyboardInterrupt from err
    except Exception as err:
        if address:
            where, remedy = f"reach the Ray cluster at {address}", "check the address and the token"
        else:
            where, remedy = "start Ray on this machine", "`mxtrials doctor` looks at it, --local does without Ray"
        raise ClusterUnavailable(f"cannot {where} ({_first_line(err)}): {remedy}") from err
    signal.signal(signal.SIGTERM, on_sigterm)  # which Ray has taken over
    try:
        yield
    finally:
        ray.shutdown()


def _check_limit_of_files() -> None:
    """With fewer open files Ray's processes do not start, of which it tells after half a minute, and not why."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= limit < FEWEST_FILES:
        raise ClusterUnavailable(
            f"a process may have {limit} open files here, of which Ray needs {FEWEST_FILES} or more: "
            "raise that (`ulimit -n 1024`), or do without Ray (--local)"
        )


def _check_that_it_answers(address: str) -> None:
    """Asks `host:port` before Ray does, which would ask for many minutes; other forms of address are Ray's own."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal()):
        return
    try:
        socket.create_connection((host, int(port)), timeout=ANSWERS_WITHIN_S).close()
    except (OSError, OverflowError) as err:
        raise ClusterUnavailable(
            f"no Ray cluster answers at {address} ({err}): check --address and RAY_ADDRESS, and that it is running"
        ) from err


def _is_submitted() -> bool:
    """Whether Ray Jobs runs this process, in the environment of its cluster."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def cluster_size() -> tuple[int, int]:
    """How many CPUs and GPUs the joined cluster offers now."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()
    return int(resources.get("CPU", 0)), int(resources.get("GPU", 0))


def _first_line(err: Exception) -> str:
    return next(iter(str(err).strip().splitlines()), type(err).__name__)
