"""A worker in a Ray actor, which cluster.ray_backend.process starts, and what the pool knows about it."""

import os
import socket
from dataclasses import dataclass, replace
from typing import Any

import ray

from cluster.machine.memory import oom_counter_file, oom_kill_count
from cluster.ray_backend.failures import ActorLocation
from cluster.trial import TrialSpec
from cluster.workers.events import Ready, WorkerEvent
from cluster.workers.slots import Slot
from cluster.workers.worker import MakeWorker, WorkerSettings
from mnist_core.data.dataset import Dataset

Answer = tuple[ActorLocation, WorkerEvent]
"""What every call to an actor returns."""


class ActorWorker:
    """The worker in an actor's process, and where that is.

    Each answer carries the kernel's count of OOM kills so far; if the count rises during the next call, the actor may
    have been killed.
    """

    def __init__(self, slot: Slot, dataset: Dataset, settings: WorkerSettings, make_worker: MakeWorker) -> None:
        """Creates the worker, which opens its context."""
        self._slot = slot
        self._worker = make_worker(slot.name, slot.device, dataset, settings)
        node_id = ray.get_runtime_context().get_node_id()
        address, host = ray.util.get_node_ip_address(), socket.gethostname()
        self._location = ActorLocation(os.getpid(), address, host, node_id, oom_counter_file(), 0)

    def ready(self) -> Answer:
        """Returns its Ready event."""
        return self._answer(Ready(self._slot.name, os.getpid()))

    def start(self, trial: TrialSpec) -> Answer:
        """Calls Worker.start."""
        return self._answer(self._worker.start(trial))

    def advance(self) -> Answer:
        """Calls Worker.advance."""
        return self._answer(self._worker.advance())

    def suspend(self) -> Answer:
        """Calls Worker.suspend."""
        return self._answer(self._worker.suspend())

    def _answer(self, event: WorkerEvent) -> Answer:
        oom_kills = oom_kill_count(self._location.oom_counter_file)
        return replace(self._location, oom_kill_count=oom_kills), event


@dataclass
class WorkerHandle:
    """A slot and the actor that runs on it now.

    Attributes:
        slot: the slot that the worker takes.
        actor: Ray's handle for the actor.
        failed_starts: how many actors in a row died on this slot before they were ready.
        is_announced: whether to report its Ready event; False if it replaces a ready worker for a trial.
        location: where the actor runs; None until it is ready.
    """

    slot: Slot
    actor: Any
    failed_starts: int
    is_announced: bool = True
    location: ActorLocation | None = None
