"""Starts or joins a Ray cluster, quietly and with authentication, and leaves it again. Runs nothing on it."""

import logging
import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mnist_core.errors import ClusterUnavailable, first_line

ANSWERS_WITHIN_S = 10.0
FEWEST_FILES = 64

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray would print the cluster's errors on the driver's terminal; those that matter arrive as events.
    "RAY_DEDUP_LOGS": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_COLOR_PREFIX": "0",
}


@contextmanager
def ray_session(address: str | None, cpus: int | None) -> Iterator[None]:
    """Joins the cluster at an address, or starts one on this machine.

    Token authentication is on unless RAY_AUTH_MODE says otherwise: without it, anyone who can reach a port of the
    cluster can run code on it. A process submitted by Ray Jobs uses its cluster as is.

    Args:
        address: as `ray.init` takes it, or None.
        cpus: how many CPUs a cluster started on this machine offers; None for one per core.

    Raises:
        ClusterUnavailable: Ray cannot be started or reached.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if not _is_submitted():
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    if address:
        _check_reachable(address)
    else:
        _check_open_file_limit()
    import ray

    on_sigterm = signal.getsignal(signal.SIGTERM)
    with _translate_start_errors(address), _hangups_blocked():
        _init(address, cpus)
    signal.signal(signal.SIGTERM, on_sigterm)  # Ray has replaced it
    try:
        yield
    finally:
        ray.shutdown()


def _init(address: str | None, cpus: int | None) -> None:
    import ray

    options: dict[str, Any] = {} if address else {"num_cpus": cpus, "include_dashboard": False}
    if not _is_submitted():  # else Ray Jobs has set the configuration
        # Ray would put the working folder first on its workers' `sys.path`, unless this is called a client's job; the
        # workers put it last, see cluster.ray_backend.process.
        options["job_config"] = ray.job_config.JobConfig(_client_job=True)
    ray.init(address=address or "local", log_to_driver=False, logging_level=logging.CRITICAL, **options)


@contextmanager
def _hangups_blocked() -> Iterator[None]:
    """Blocks SIGHUP for all processes that are started in the block, as Ray blocks SIGINT for them.

    They are in the driver's process group, so a terminal that closes would end them before the driver has saved its
    trials. A SIGHUP to the driver itself arrives after the block.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _translate_start_errors(address: str | None) -> Iterator[None]:
    try:
        yield
    except SystemExit as err:  # Ray's reaction to SIGTERM
        raise KeyboardInterrupt from err
    except UnicodeEncodeError as err:  # Ray records the command line, in UTF-8
        raise ClusterUnavailable(
            f"Ray cannot start: a name in the command line or the folder is not UTF-8 ({err.object!a}): "
            "rename it, use a link to it, or run without Ray (--local)"
        ) from err
    except Exception as err:
        if address:
            where, remedy = f"reach the Ray cluster at {address}", "check the address and the token"
        else:
            where, remedy = "start Ray on this machine", "check it with `mxtrials doctor`, or run without Ray (--local)"
        raise ClusterUnavailable(f"cannot {where} ({first_line(str(err), type(err).__name__)}): {remedy}") from err


def _check_open_file_limit() -> None:
    """Rejects a limit too low for Ray, which would only report its failure after 30 s and without the cause."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= limit < FEWEST_FILES:
        raise ClusterUnavailable(
            f"the limit of open files is {limit}, and Ray needs at least {FEWEST_FILES}: "
            "raise it (`ulimit -n 1024`), or run without Ray (--local)"
        )


def _check_reachable(address: str) -> None:
    """Connects to `host:port` before Ray, which would retry for minutes; leaves other forms of address to Ray."""
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
    """Returns whether Ray Jobs started this process, in the environment of its cluster."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def cluster_size() -> tuple[int, int]:
    """Returns the numbers of CPUs and GPUs that the joined cluster offers now."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()
    return int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
