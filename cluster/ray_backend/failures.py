"""Classifies Ray's errors: why a worker was lost, and whether a new one can start."""

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
        node_id: Ray's id of its node.
        oom_counter_file: the file that counts the kernel's OOM kills; see cluster.machine.memory.
        oom_kill_count: the count at the actor's last answer.
    """

    pid: int
    address: str
    node_id: str
    oom_counter_file: Path
    oom_kill_count: int


def permanent_start_error(err: RayError) -> MxtrialsError | None:
    """Returns the error that a worker raised on start and would raise again; None for any other error."""
    cause = err.cause if isinstance(err, RayTaskError) else None
    return cause if isinstance(cause, MxtrialsError) else None


def classify_failure(err: RayError, location: ActorLocation | None) -> tuple[str, LostReason]:
    """Returns why a worker was lost, in one sentence, and what kind of reason that is.

    Args:
        err: the error that a call to the worker raised.
        location: where the worker ran; None if it was never ready.
    """
    if isinstance(err, RayTaskError):
        cause = f"worker failed: {type(err.cause).__name__}: {first_line(str(err.cause))}"
        return cause, "died" if location else "other"
    if isinstance(err, OutOfMemoryError):
        return "out of memory: Ray killed the worker to save its node", "memory"
    if not isinstance(err, RayActorError):
        return f"Ray failed: {type(err).__name__}: {first_line(str(err))}", "other"
    if location is None:
        return f"worker could not start: {last_line(str(err))}", "other"
    if not any(node["NodeID"] == location.node_id and node["Alive"] for node in ray.nodes()):
        return f"node {location.address} (id {location.node_id}) died", "other"
    if isinstance(err, ActorUnavailableError):
        return f"node {location.address} (id {location.node_id}) died or cannot be reached", "other"
    if _oom_kills_on(location.node_id, location.oom_counter_file) > location.oom_kill_count:
        killed = f"the kernel of node {location.address} killed processes, and worker {location.pid} died"
        return f"out of memory, probably: {killed}", "memory"
    return f"worker process {location.pid} on node {location.address} died: it crashed or was killed", "died"


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
