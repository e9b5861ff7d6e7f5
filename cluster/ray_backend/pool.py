"""A pool of warm Ray actors: each owns one context and trains many trials; a dead one is replaced.

One dict, from Ray's reference of each pending call to the worker that was called, tracks what the actors are doing.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import ray
from ray.exceptions import RayError
from typing_extensions import override

from cluster.machine.pauses import PauseMeter
from cluster.ray_backend.actor import Answer, WorkerHandle
from cluster.ray_backend.failures import classify_failure, describe_failed_start, describe_worker, permanent_start_error
from cluster.ray_backend.gcs import GcsWatch
from cluster.ray_backend.process import WorkerActor, preparation
from cluster.ray_backend.session import node_patience_s
from cluster.trial import TrialSpec
from cluster.workers.events import LostReason, Ready, WorkerEvent, WorkerLost
from cluster.workers.pool import WorkerPool
from cluster.workers.slots import Slot
from cluster.workers.worker import MakeWorker, Worker, WorkerSettings
from mnist_core.data.dataset import Dataset
from mnist_core.errors import ClusterUnavailable, DeviceUnavailable, MxtrialsError, first_line

# A slot is given up after this many workers in a row died before they were ready.
FAILED_STARTS = 3
# How long the pool waits while no worker is ready.
START_PATIENCE_S = 180.0


@contextmanager
def _translate_ray_errors() -> Iterator[None]:
    try:
        yield
    except RayError as err:
        message = f"Ray failed ({type(err).__name__}: {first_line(str(err))}): fix the cluster, then resume the study"
        raise ClusterUnavailable(message) from err


class RayPool(WorkerPool):
    """The workers of a study on a Ray cluster.

    Requires a Ray session. Puts the dataset into Ray's object store once, for all workers.

    Raises:
        ClusterUnavailable: from any method, if no worker is left, if none is ready in time, or if Ray itself fails.
        ClusterLost: from `next_event`, if Ray does not answer any more.
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
        """Starts an actor for each slot; each is Ready once it has opened its context."""
        self._dataset = ray.put(dataset)
        self._settings = settings
        self._make_worker = make_worker
        self._prepare = preparation()
        self._pending: dict[Any, WorkerHandle] = {}  # Ray's reference of the call -> the worker
        self._events: deque[WorkerEvent] = deque()
        self._handles: dict[str, WorkerHandle] = {}
        self._postponed: dict[str, WorkerHandle] = {}  # killed by `_relaunch`, to be launched again
        self._ever_ready = False
        self._clock = clock
        self._waiting_since_s = clock()
        self._pauses = PauseMeter(clock)
        self._watch = GcsWatch(ray.get_runtime_context().gcs_address, node_patience_s())
        for slot in slots:
            self._launch(slot, failed_starts=0)

    @override
    @_translate_ray_errors()
    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        handle = self._handles[worker]
        if fresh:
            handle = self._relaunch(handle)
        self._pending[handle.actor.start.remote(trial)] = handle  # a fresh actor opens its context first

    @override
    @_translate_ray_errors()
    def advance(self, worker: str) -> None:
        handle = self._handles[worker]
        self._pending[handle.actor.advance.remote()] = handle

    @override
    @_translate_ray_errors()
    def suspend(self, worker: str) -> None:
        handle = self._handles[worker]
        self._pending[handle.actor.suspend.remote()] = handle

    @override
    @_translate_ray_errors()
    def kill(self, worker: str, cause: str) -> None:
        handle = self._handles[worker]
        self._events = deque(event for event in self._events if event.worker != worker)
        self._kill_actor(handle)
        described = describe_worker(worker, handle.location)
        self._replace(handle, f"{described} was killed: {cause}", "died" if handle.location else "other")
        self._launch_postponed()

    @override
    @_translate_ray_errors()
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        if not self._events:
            self._watch.check()
            self._check_start_deadline()
            self._collect_results(timeout_s)
        return self._events.popleft() if self._events else None

    @property
    @override
    def has_event(self) -> bool:
        return bool(self._events)

    @override
    def close(self) -> None:
        self._watch.close()
        with suppress(RayError):  # if the cluster has failed, there is nothing left to close
            for handle in self._handles.values():
                ray.kill(handle.actor)
        self._handles.clear()
        self._pending.clear()

    def _collect_results(self, timeout_s: float) -> None:
        """Handles all finished calls; if there are none, waits for the first."""
        calls = list(self._pending)
        if not calls:  # every worker is idle, and `ray.wait` cannot wait for nothing
            time.sleep(timeout_s)
            return
        done, _ = ray.wait(calls, num_returns=len(calls), timeout=0)
        if not done:
            done, _ = ray.wait(calls, num_returns=1, timeout=timeout_s)
        for call in done:
            if handle := self._pending.pop(call, None):  # None if an earlier result revealed that its worker is lost
                self._handle_result(call, handle)

    def _handle_result(self, call: Any, handle: WorkerHandle) -> None:
        try:
            answer: Answer = ray.get(call)
        except RayError as err:
            self._on_lost(handle, err)
            return
        handle.location, event = answer
        self._ever_ready = True
        if not handle.is_announced:
            self._launch_postponed()
        if handle.is_announced or not isinstance(event, Ready):
            self._events.append(event)

    def _on_lost(self, handle: WorkerHandle, err: RayError) -> None:
        self._kill_actor(handle)  # it may still be running, after an error in a call or a broken connection
        error = permanent_start_error(err)
        name = handle.slot.name
        if error is None:
            self._replace(handle, *classify_failure(err, name, handle.location, self._watch.answers_now()))
        elif self._is_optional(handle, error):
            self._give_up(handle, f"{describe_failed_start(name, err)} could not start: {error}")
        else:
            raise error
        self._launch_postponed()

    def _is_optional(self, handle: WorkerHandle, error: MxtrialsError) -> bool:
        """Returns whether the study can do without this worker.

        A node may lack a library that others have, but a device that was asked for by number must be there.
        """
        return handle.slot.optional or (self._ever_ready and not isinstance(error, DeviceUnavailable))

    def _relaunch(self, handle: WorkerHandle) -> WorkerHandle:
        """Starts a new actor on a slot, which can be instructed at once.

        Actors that still wait for a free CPU are killed, and launched again once it runs: Ray promises no order, so one
        of them could take the CPU of the killed actor, and the new one would wait until their trials end.
        """
        waiting = {name: other for name, other in self._handles.items() if other.is_announced and not other.location}
        for other in (handle, *waiting.values()):
            self._kill_actor(other)
        self._postponed |= waiting
        return self._launch(handle.slot, failed_starts=0, is_announced=False)

    def _launch_postponed(self) -> None:
        """Launches the actors that were killed for another one, now that it runs or is lost."""
        postponed, self._postponed = self._postponed, {}
        for other in postponed.values():
            self._launch(other.slot, other.failed_starts)

    def _kill_actor(self, handle: WorkerHandle) -> None:
        """Kills an actor and drops its pending calls."""
        self._pending = {call: other for call, other in self._pending.items() if other is not handle}
        if handle.location:
            self._waiting_since_s = self._clock()
        ray.kill(handle.actor)

    def _replace(self, handle: WorkerHandle, cause: str, reason: LostReason) -> None:
        """Reports the loss of a worker, and starts a new one on its slot."""
        failed_starts = 0 if handle.location else handle.failed_starts + 1
        if failed_starts >= FAILED_STARTS:
            self._give_up(handle, cause)
        else:
            self._events.append(WorkerLost(handle.slot.name, cause, reason))
            self._launch(handle.slot, failed_starts)

    def _launch(self, slot: Slot, failed_starts: int, is_announced: bool = True) -> WorkerHandle:
        # A GPU worker reserves no Ray CPU, so that CPU workers cannot block it; `slots_for` leaves one CPU for each.
        cpus = 1 if slot.device == "cpu" else 0
        actor = WorkerActor.options(num_cpus=cpus, num_gpus=slot.gpu_share).remote(self._prepare)  # type: ignore[attr-defined]
        handle = WorkerHandle(slot, actor, failed_starts, is_announced)
        self._handles[slot.name] = handle
        self._pending[actor.open.remote(slot, self._dataset, self._settings, self._make_worker)] = handle
        return handle

    def _give_up(self, handle: WorkerHandle, cause: str) -> None:
        """Drops a slot, whose CPU, if it has one, gets a worker instead."""
        del self._handles[handle.slot.name]
        if handle.slot.replacement:
            self._launch(handle.slot.replacement, failed_starts=0)
        if not self._handles:
            raise ClusterUnavailable(f"no worker is left: {cause}")
        self._events.append(WorkerLost(handle.slot.name, cause, "other"))

    def _check_start_deadline(self) -> None:
        self._waiting_since_s += self._pauses.paused_s()
        if any(handle.location for handle in self._handles.values()):
            return
        if self._clock() - self._waiting_since_s > START_PATIENCE_S:
            raise ClusterUnavailable(
                f"no worker was ready within {START_PATIENCE_S:.0f} s: the cluster offers {ray.cluster_resources()}"
            )
