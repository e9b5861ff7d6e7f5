"""A pool of warm Ray actors: each owns one context and trains many trials; a dead one is replaced.

All that is known of what the actors do is one dict, from the reference of each call under way to the actor that it
was made to.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import ray
from ray.exceptions import RayError

from cluster.machine.memory import oom_counter_file, oom_kill_count
from cluster.ray_backend.failures import ActorLocation, classify_failure, first_line, permanent_start_error
from cluster.trial import TrialSpec
from cluster.workers.events import LostReason, Ready, WorkerEvent, WorkerLost
from cluster.workers.slots import Slot
from cluster.workers.worker import MakeWorker, Worker, WorkerSettings
from mnist_core.data.dataset import Dataset
from mnist_core.errors import ClusterUnavailable, DeviceUnavailable, MxtrialsError

# A slot whose workers die this often in a row before they are ready is given up.
FAILED_STARTS = 3
# How long there may be no worker that has been placed and has started.
START_PATIENCE_S = 180.0

_Answer = tuple[ActorLocation, WorkerEvent]


@ray.remote(max_restarts=0, max_task_retries=0)
class _Actor:
    """A Worker in a process of its own.

    The worker is made in a call, not in the constructor: of an error in a call Ray hands on the exception itself, of
    one in the constructor its text only. Each answer says anew what the kernel has killed: what it kills later, during
    the next call, may be the actor.
    """

    def open(self, slot: Slot, dataset: Dataset, settings: WorkerSettings, make_worker: MakeWorker) -> _Answer:
        self._worker = make_worker(slot.name, slot.device, dataset, settings)
        node_id = ray.get_runtime_context().get_node_id()
        self._home = ActorLocation(os.getpid(), ray.util.get_node_ip_address(), node_id, oom_counter_file(), 0)
        return self._answer(Ready(slot.name, os.getpid()))

    def start(self, trial: TrialSpec) -> _Answer:
        return self._answer(self._worker.start(trial))

    def advance(self) -> _Answer:
        return self._answer(self._worker.advance())

    def suspend(self) -> _Answer:
        return self._answer(self._worker.suspend())

    def _answer(self, event: WorkerEvent) -> _Answer:
        return replace(self._home, oom_kill_count=oom_kill_count(self._home.oom_counter_file)), event


@dataclass
class _WorkerHandle:
    """A slot with the actor that sits on it now."""

    slot: Slot
    actor: Any
    failed_starts: int
    is_announced: bool = True  # as Ready, which a worker that is made anew for a trial is not
    home: ActorLocation | None = None  # known as soon as the actor is ready


@contextmanager
def _translate_ray_errors() -> Iterator[None]:
    try:
        yield
    except RayError as err:
        message = f"Ray fails: {type(err).__name__}: {first_line(str(err))}: see to the cluster, then resume the study"
        raise ClusterUnavailable(message) from err


class RayPool:
    """See WorkerPool. Needs a Ray session; the dataset is put into its object store once, for all workers.

    Raises:
        ClusterUnavailable: from any method: no worker is left, or none is ready for too long, or Ray itself fails.
    """

    @_translate_ray_errors()
    def __init__(
        self,
        slots: list[Slot],
        dataset: Dataset,
        settings: WorkerSettings,
        clock: Callable[[], float] = time.monotonic,
        make_worker: MakeWorker = Worker,
    ) -> None:
        """Starts an actor for each slot; they are Ready as soon as they have opened their context."""
        self._dataset, self._settings, self._make_worker = ray.put(dataset), settings, make_worker
        self._pending: dict[Any, _WorkerHandle] = {}  # reference of a call under way -> whom it was made to
        self._events: deque[WorkerEvent] = deque()
        self._handles: dict[str, _WorkerHandle] = {}
        self._ever_ready = False
        self._clock, self._waiting_since_s = clock, clock()
        for slot in slots:
            self._launch(slot, failed_starts=0)

    @_translate_ray_errors()
    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        """See WorkerPool; what a fresh worker is told waits until it has opened its context."""
        handle = self._handles[worker]
        if fresh:
            handle = self._relaunch(handle)
        self._pending[handle.actor.start.remote(trial)] = handle

    @_translate_ray_errors()
    def advance(self, worker: str) -> None:
        """See WorkerPool."""
        handle = self._handles[worker]
        self._pending[handle.actor.advance.remote()] = handle

    @_translate_ray_errors()
    def suspend(self, worker: str) -> None:
        """See WorkerPool."""
        handle = self._handles[worker]
        self._pending[handle.actor.suspend.remote()] = handle

    @_translate_ray_errors()
    def kill(self, worker: str, cause: str) -> None:
        """See WorkerPool."""
        handle = self._handles[worker]
        self._events = deque(event for event in self._events if event.worker != worker)
        self._kill_actor(handle)
        self._replace(handle, cause, "died" if handle.home else "other")

    @_translate_ray_errors()
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        """See WorkerPool."""
        if not self._events:
            self._check_start_deadline()
            self._collect_results(timeout_s)
        return self._events.popleft() if self._events else None

    @property
    def has_event(self) -> bool:
        """See WorkerPool."""
        return bool(self._events)

    def close(self) -> None:
        """See WorkerPool."""
        with suppress(RayError):  # a cluster that fails has nothing to be closed
            for handle in self._handles.values():
                ray.kill(handle.actor)
        self._handles.clear()
        self._pending.clear()

    def _collect_results(self, timeout_s: float) -> None:
        """All calls that are done, or else the first that is done in time."""
        calls = list(self._pending)
        if not calls:  # every worker is idle, and `ray.wait` refuses to wait for nothing
            time.sleep(timeout_s)
            return
        done, _ = ray.wait(calls, num_returns=len(calls), timeout=0)
        if not done:
            done, _ = ray.wait(calls, num_returns=1, timeout=timeout_s)
        for call in done:
            if handle := self._pending.pop(call, None):  # else one before it told that the worker is lost
                self._handle_result(call, handle)

    def _handle_result(self, call: Any, handle: _WorkerHandle) -> None:
        try:
            answer: _Answer = ray.get(call)
        except RayError as err:
            self._on_lost(handle, err)
            return
        handle.home, event = answer
        self._ever_ready = True
        if handle.is_announced or not isinstance(event, Ready):
            self._events.append(event)

    def _on_lost(self, handle: _WorkerHandle, err: RayError) -> None:
        self._kill_actor(handle)  # it may live: after an error in a call, or behind a broken connection
        refusal = permanent_start_error(err)
        if refusal is None:
            self._replace(handle, *classify_failure(err, handle.home))
        elif self._is_optional(handle, refusal):
            self._give_up(handle, str(refusal))
        else:
            raise refusal

    def _is_optional(self, handle: _WorkerHandle, refusal: MxtrialsError) -> bool:
        """One node may lack a library that others have; but a device that was asked for by number must be there."""
        return handle.slot.optional or (self._ever_ready and not isinstance(refusal, DeviceUnavailable))

    def _relaunch(self, handle: _WorkerHandle) -> _WorkerHandle:
        """A new actor on a slot, which is told something at once; those that wait for a CPU queue up behind it."""
        waiting = [other for other in self._handles.values() if other.is_announced and not other.home]
        for other in (handle, *waiting):
            self._kill_actor(other)
        fresh = self._launch(handle.slot, failed_starts=0, is_announced=False)
        for other in waiting:
            self._launch(other.slot, other.failed_starts)
        return fresh

    def _kill_actor(self, handle: _WorkerHandle) -> None:
        """Ends an actor; what it was told no longer counts."""
        self._pending = {call: other for call, other in self._pending.items() if other is not handle}
        if handle.home:
            self._waiting_since_s = self._clock()
        ray.kill(handle.actor)

    def _replace(self, handle: _WorkerHandle, cause: str, reason: LostReason) -> None:
        """Reports the reason, and seats a new actor in the lost one's place."""
        failed_starts = 0 if handle.home else handle.failed_starts + 1
        if failed_starts >= FAILED_STARTS:
            self._give_up(handle, cause)
        else:
            self._events.append(WorkerLost(handle.slot.name, cause, reason))
            self._launch(handle.slot, failed_starts)

    def _launch(self, slot: Slot, failed_starts: int, is_announced: bool = True) -> _WorkerHandle:
        # A CPU worker may hold the last CPU beside a GPU; `slots_for` leaves one to each GPU worker all the same.
        cpus = 1 if slot.device == "cpu" else 0
        actor = _Actor.options(num_cpus=cpus, num_gpus=slot.gpu_share).remote()  # type: ignore[attr-defined]
        handle = _WorkerHandle(slot, actor, failed_starts, is_announced)
        self._handles[slot.name] = handle
        self._pending[actor.open.remote(slot, self._dataset, self._settings, self._make_worker)] = handle
        return handle

    def _give_up(self, handle: _WorkerHandle, cause: str) -> None:
        del self._handles[handle.slot.name]
        if not self._handles:
            raise ClusterUnavailable(f"no worker is left: the last one, {handle.slot.name}, could not start ({cause})")
        self._events.append(WorkerLost(handle.slot.name, cause, "other"))

    def _check_start_deadline(self) -> None:
        if any(handle.home for handle in self._handles.values()):
            return
        if self._clock() - self._waiting_since_s > START_PATIENCE_S:
            raise ClusterUnavailable(
                f"no worker was ready within {START_PATIENCE_S:.0f} s: the cluster offers {ray.cluster_resources()}"
            )
