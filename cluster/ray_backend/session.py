"""Starts or joins a Ray cluster, quietly and with authentication, and leaves it again. Runs nothing on it."""

import logging
import os
import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_core.errors import ClusterUnavailable, first_line
from mnist_core.installed import installed_first, user_folders_here

FEWEST_FILES = 64
# The longest path of a socket that Linux allows.
MOST_SOCKET_BYTES = 107

# What Ray says if the cluster's version of Ray or of Python differs from this process's.
_VERSIONS = r"Version mismatch:[^:]*:\s+Ray: (\S+)\s+Python: (\S+)\s[^:]*:\s+Ray: (\S+)\s+Python: (\S+)\s*"

_NODE_PATIENCE = "RAY_gcs_rpc_server_reconnect_timeout_s"
_CLIENT_PATIENCE_S = 600

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
        address: "host:port", "auto" for the cluster that runs on this machine, or None.
        cpus: how many CPUs a cluster started on this machine offers; None for one per core.

    Raises:
        ClusterUnavailable: Ray cannot be started or reached.
        ClusterLost: Ray does not answer any more when the block ends.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if not _is_submitted():
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    if not address:
        _check_open_file_limit()
        _check_temporary_folder()
    import ray

    from cluster.ray_backend.gcs import cluster_lost, find_cluster, is_alive

    if address:
        address = find_cluster(address)
    on_sigterm = signal.getsignal(signal.SIGTERM)
    with _translate_start_errors(address), _hangups_blocked(), _patient_client():
        _init(address, cpus)
    signal.signal(signal.SIGTERM, on_sigterm)  # Ray has replaced it
    joined = ray.get_runtime_context().gcs_address
    try:
        yield
    finally:
        # Twice, because a machine may be under load.
        if not (is_alive(joined) or is_alive(joined)):
            raise cluster_lost(joined)  # without it, leaving the cluster may take for ever
        ray.shutdown()


def node_patience_s() -> float:
    """Returns after how many seconds without the GCS the processes of Ray end."""
    return float(os.environ.get(_NODE_PATIENCE, "60"))


@contextmanager
def _patient_client() -> Iterator[None]:
    """Lets Ray's client, if it is started in the block, wait longer for the GCS than the nodes.

    Otherwise it would end this process, with exit code 1, before the pool could end the study; see gcs.GcsWatch.
    """
    before = os.environ.get(_NODE_PATIENCE)
    os.environ[_NODE_PATIENCE] = f"{node_patience_s() + _CLIENT_PATIENCE_S:.0f}"
    try:
        yield
    finally:
        del os.environ[_NODE_PATIENCE]
        if before is not None:
            os.environ[_NODE_PATIENCE] = before


def _init(address: str | None, cpus: int | None) -> None:
    import ray

    options: dict[str, Any] = {} if address else {"num_cpus": cpus, "include_dashboard": False}
    if not _is_submitted():  # else Ray Jobs has set the configuration
        # Ray would put the working folder first on its workers' `sys.path`, unless this is called a client's job; the
        # workers put it last, see cluster.ray_backend.process.
        options["job_config"] = ray.job_config.JobConfig(_client_job=True)
    with nullcontext() if address else _path_for_children():
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.CRITICAL, **options)


@contextmanager
def _path_for_children() -> Iterator[None]:
    """Lets Ray's own processes, too, import installed packages instead of those of the user's PYTHONPATH."""
    before = os.environ.get("PYTHONPATH")
    if not before:
        yield
        return
    os.environ["PYTHONPATH"] = os.pathsep.join(installed_first(user_folders_here()))
    try:
        yield
    finally:
        os.environ["PYTHONPATH"] = before


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
        if versions := re.fullmatch(_VERSIONS, str(err)):
            theirs, ours = (
                f"Ray {ray} and Python {python}" for ray, python in (versions.group(1, 2), versions.group(3, 4))
            )
            message = (
                f"the Ray cluster at {address} runs {theirs}, but this process {ours}: use the same versions on both"
            )
            raise ClusterUnavailable(message) from err
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


@dataclass(frozen=True)
class TemporaryFolder:
    """The folder in which Ray makes that of a session.

    Attributes:
        variable: the environment variable that names it; None if none does.
        path: its path.
        socket_bytes: the length of the longest path of a socket below it.
    """

    variable: str | None
    path: Path
    socket_bytes: int


def find_temporary_folder() -> TemporaryFolder:
    """Returns the folder in which a Ray that starts on this machine would make that of its session."""
    variable = next((name for name in ("RAY_TMPDIR", "TMPDIR") if name in os.environ), None)
    path = Path(os.environ[variable] if variable else "/tmp")
    # As Ray names it, with the date, the time and the process that starts it, which has up to seven digits.
    socket = path / "ray" / "session_2026-11-25_17-01-37_938866_4194304" / "sockets" / "plasma_store"
    return TemporaryFolder(variable, path, len(os.fsencode(socket)))


def _check_temporary_folder() -> None:
    """Rejects a folder with a name too long for Ray's sockets, of which Ray would name the socket, not the folder."""
    folder = find_temporary_folder()
    excess = folder.socket_bytes - MOST_SOCKET_BYTES
    if excess > 0:
        raise ClusterUnavailable(
            f"{folder.variable} is {folder.path}, whose name is {excess} bytes too long for the sockets that Ray makes "
            "there: set RAY_TMPDIR to another folder, e.g. /tmp, or run without Ray (--local)"
        )


def _is_submitted() -> bool:
    """Returns whether Ray Jobs started this process, in the environment of its cluster."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def cluster_size() -> tuple[int, int]:
    """Returns the numbers of CPUs and GPUs that the joined cluster offers now."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()
    return int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
