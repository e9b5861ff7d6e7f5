"""Why Ray lost a worker: what its errors mean for us."""

from dataclasses import dataclass
from pathlib import Path

import ray
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayActorError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.machine.memory import oom_kill_count
from cluster.workers.events import LostReason
from mnist_core.errors import MxtrialsError

# How long another node may take to say what its kernel has killed.
NODE_PATIENCE_S = 5.0


@dataclass(frozen=True)
class ActorLocation:
    """Where an actor runs: its process, its node's address and id; and what the kernel had killed there.

    Attributes:
        oom_counter_file: the file that counts what the kernel kills for lack of memory; see node_memory.
        oom_kill_count: its count when the actor last answered.
    """

    pid: int
    address: str
    node_id: str
    oom_counter_file: Path
    oom_kill_count: int


def permanent_start_error(err: RayError) -> MxtrialsError | None:
    """The error with which a worker refuses to start, and would again, if that is what happened."""
    cause = err.cause if isinstance(err, RayTaskError) else None
    return cause if isinstance(cause, MxtrialsError) else None


def classify_failure(err: RayError, home: ActorLocation | None) -> tuple[str, LostReason]:
    """Why a worker was lost, in one sentence, and of which kind that is.

    Args:
        err: what a call to it raised.
        home: where it was; None if it never was ready.
    """
    if isinstance(err, RayTaskError):
        cause = f"worker failed: {type(err.cause).__name__}: {first_line(str(err.cause))}"
        return cause, "died" if home else "other"
    if isinstance(err, OutOfMemoryError):
        return "out of memory: Ray killed the worker to save its node", "memory"
    if not isinstance(err, RayActorError):
        return f"Ray failed: {type(err).__name__}: {first_line(str(err))}", "other"
    if home is None:
        return f"worker could not start: {str(err).strip().splitlines()[-1]}", "other"
    if not any(node["NodeID"] == home.node_id and node["Alive"] for node in ray.nodes()):
        return f"node {home.address} (id {home.node_id}) died", "other"
    if isinstance(err, ActorUnavailableError):
        return f"node {home.address} (id {home.node_id}) died or cannot be reached", "other"
    if _oom_kills_on(home.node_id, home.oom_counter_file) > home.oom_kill_count:
        return (
            f"out of memory, probably: the kernel of node {home.address} killed processes, and worker {home.pid} died",
            "memory",
        )
    return f"worker process {home.pid} on node {home.address} died: it crashed or was killed", "died"


def first_line(text: str) -> str:
    """Of a message that may have a traceback in it."""
    return next(iter(text.strip().splitlines()), "no message")


def _oom_kills_on(node_id: str, counter: Path) -> int:
    """How many processes the kernel of a node has killed for lack of memory; 0 if that cannot be had."""
    if node_id == ray.get_runtime_context().get_node_id():
        return oom_kill_count(counter)
    there = NodeAffinitySchedulingStrategy(node_id, soft=False)
    asked = ray.remote(num_cpus=0)(oom_kill_count).options(scheduling_strategy=there).remote(counter)
    try:
        return int(ray.get(asked, timeout=NODE_PATIENCE_S))
    except RayError:  # a time-out is one, too
        return 0
