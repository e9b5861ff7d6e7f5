"""Classifies Ray's errors: why a worker was lost, and whether a new one can start."""

import re
from dataclasses import dataclass
from pathlib import Path

import ray
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayActorError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.machine.memory import oom_kill_count
from cluster.ray_backend.process import call, preparation
from cluster.workers.events import LostReason
from mnist_core.errors import MxtrialsError, first_line, last_line

# How long another node may take to report its kernel's OOM kills.
NODE_PATIENCE_S = 5.0


@dataclass(frozen=True)
class ActorLocation:
    """Where an actor runs, and how many processes the kernel has killed there.

    Attributes:
        pid: the id of its process.
        address: the address of its node.
        host: the name of the node's machine.
        node_id: Ray's id of its node.
        oom_counter_file: the file that counts the kernel's OOM kills; see cluster.machine.memory.
        oom_kill_count: the count at the actor's last answer.
    """

    pid: int
    address: str
    host: str
    node_id: str
    oom_counter_file: Path
    oom_kill_count: int


def permanent_start_error(err: RayError) -> MxtrialsError | None:
    """Returns the error that a worker raised on start and would raise again; None for any other error."""
    cause = err.cause if isinstance(err, RayTaskError) else None
    return cause if isinstance(cause, MxtrialsError) else None


def describe_worker(name: str, location: ActorLocation | None) -> str:
    """Returns a worker's name and where it ran; only its name if it was never ready.

    Example:
        >>> describe_worker("cpu-0", ActorLocation(12, "10.0.0.7", "rack-7", "4f0e", Path("vmstat"), 0))
        'worker cpu-0 (process 12, node 10.0.0.7, host rack-7)'
    """
    where = f" (process {location.pid}, node {location.address}, host {location.host})" if location else ""
    return f"worker {name}{where}"


def describe_failed_start(name: str, err: RayError) -> str:
    """Returns a worker's name and where it raised an error before it was ready. Asks the GCS for the host's name."""
    raised_at = re.search(r"\(pid=(\d+), ip=([^,)\s]+)", str(err))  # Ray keeps it in the text of the traceback only
    if raised_at is None:
        return describe_worker(name, None)
    pid, address = raised_at.groups()
    host = next((node["NodeManagerHostname"] for node in ray.nodes() if node["NodeManagerAddress"] == address), "?")
    return f"worker {name} (process {pid}, node {address}, host {host})"


def classify_failure(
    err: RayError, name: str, location: ActorLocation | None, gcs_answers: bool
) -> tuple[str, LostReason]:
    """Returns why a worker was lost, in one sentence, and what kind of reason that is.

    Args:
        err: the error that a call to the worker raised.
        name: the worker's name.
        location: where the worker ran; None if it was never ready.
        gcs_answers: whether the cluster's GCS answers; if not, it is not asked, which would take minutes.
    """
    worker = describe_worker(name, location)
    if isinstance(err, RayTaskError):
        cause = f"{worker} failed: {type(err.cause).__name__}: {first_line(str(err.cause))}"
        return cause, "died" if location else "other"
    if isinstance(err, OutOfMemoryError):
        return f"out of memory: Ray killed {worker} to save its node", "memory"
    if not isinstance(err, RayActorError):
        return f"Ray failed, and with it {worker}: {type(err).__name__}: {first_line(str(err))}", "other"
    if location is None:
        return f"{worker} could not start: {last_line(str(err))}", "other"
    if not gcs_answers:
        return f"{worker} was lost with its cluster, whose GCS does not answer", "other"
    return _classify_death(err, worker, location)


def _classify_death(err: RayActorError, worker: str, location: ActorLocation) -> tuple[str, LostReason]:
    if not any(node["NodeID"] == location.node_id and node["Alive"] for node in ray.nodes()):
        return f"{worker} was lost: its node (id {location.node_id}) died", "other"
    if isinstance(err, ActorUnavailableError):
        return f"{worker} was lost: its node (id {location.node_id}) died or cannot be reached", "other"
    if _oom_kills_on(location.node_id, location.oom_counter_file) > location.oom_kill_count:
        return f"out of memory, probably: the kernel killed processes of its node when {worker} died", "memory"
    return f"{worker} died: it crashed or was killed", "died"


def _oom_kills_on(node_id: str, counter: Path) -> int:
    """Returns a node's OOM kills so far; 0 if they cannot be read."""
    if node_id == ray.get_runtime_context().get_node_id():
        return oom_kill_count(counter)
    on_node = NodeAffinitySchedulingStrategy(node_id, soft=False)
    there = ray.remote(num_cpus=0)(call).options(scheduling_strategy=on_node)
    count = there.remote(preparation(), oom_kill_count.__module__, oom_kill_count.__name__, counter)
    try:
        return int(ray.get(count, timeout=NODE_PATIENCE_S))
    except RayError:  # includes a timeout
        return 0
