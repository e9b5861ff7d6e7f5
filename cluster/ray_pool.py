"""A pool of warm Ray actors: each owns one context and trains many trials; a dead one is replaced.

All that is known of what the actors do is one dict, from the reference of each call under way to the actor that it
was made to.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, OutOfMemoryError, RayActorError, RayError, RayTaskError

from cluster.events import Ready, Suspended, WorkerEvent, WorkerLost
from cluster.slots import Slot
from cluster.trial import TrialSpec
from cluster.worker import MakeWorker, TrialEvent, Worker, WorkerSettings
from mnist_core.dataset import Dataset
from mnist_core.errors import ClusterUnavailable, DeviceUnavailable, MxtrialsError

# A slot whose workers die this often in a row before they are ready is given up.
FAILED_STARTS = 3
# How long there may be no worker that has been placed and has started.
START_PATIENCE_S = 180.0


@dataclass(frozen=True)
class _Home:
    """Where an actor runs: its process, and its node's address and id."""

    pid: int
    address: str
    node_id: str


@ray.remote(max_restarts=0, max_task_retries=0)
class _Actor:
    """A Worker in a process of its own.

    The worker is made in a call, not in the constructor: of an error in a call Ray hands on the exception itself, of
    one in the constructor its text only.
    """

    def open(self, slot: Slot, dataset: Dataset, settings: WorkerSettings, make_worker: MakeWorker) -> _Home:
        self._worker = make_worker(slot.name, slot.device, dataset, settings)
        return _Home(os.getpid(), ray.util.get_node_ip_address(), ray.get_runtime_context().get_node_id())

    def start(self, trial: TrialSpec) -> TrialEvent:
        return self._worker.start(trial)

    def advance(self) -> TrialEvent:
        return self._worker.advance()

    def suspend(self) -> Suspended:
        return self._worker.suspend()


@dataclass
class _Seat:
    """A slot with the actor that sits on it now."""

    slot: Slot
    actor: Any
    failed_starts: int
    home: _Home | None = None  # known as soon as the actor is ready


@contextmanager
def _ray_works() -> Iterator[None]:
    try:
        yield
    except RayError as err:
        message = f"Ray fails: {type(err).__name__}: {_first_line(str(err))}: see to the cluster, then resume the study"
        raise ClusterUnavailable(message) from err


class RayPool:
    """See WorkerPool. Needs a Ray session; the dataset is put into its object store once, for all workers.

    Raises:
        ClusterUnavailable: from any method: no worker is left, or none is ready for too long, or Ray itself fails.
    """

    @_ray_works()
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
        self._pending: dict[Any, _Seat] = {}  # reference of a call under way -> whom it was made to
        self._happened: deque[WorkerEvent] = deque()
        self._seats: dict[str, _Seat] = {}
        self._ever_ready = False
        self._clock, self._waiting_since_s = clock, clock()
        for slot in slots:
            self._seat(slot, failed_starts=0)

    @_ray_works()
    def start(self, worker: str, trial: TrialSpec) -> None:
        """See WorkerPool."""
        seat = self._seats[worker]
        self._pending[seat.actor.start.remote(trial)] = seat

    @_ray_works()
    def advance(self, worker: str) -> None:
        """See WorkerPool."""
        seat = self._seats[worker]
        self._pending[seat.actor.advance.remote()] = seat

    @_ray_works()
    def suspend(self, worker: str) -> None:
        """See WorkerPool."""
        seat = self._seats[worker]
        self._pending[seat.actor.suspend.remote()] = seat

    @_ray_works()
    def kill(self, worker: str, cause: str) -> None:
        """See WorkerPool."""
        seat = self._seats[worker]
        self._pending = {reference: other for reference, other in self._pending.items() if other is not seat}
        self._happened = deque(event for event in self._happened if event.worker != worker)
        ray.kill(seat.actor)
        self._replace(seat, cause)

    @_ray_works()
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        """See WorkerPool."""
        if not self._happened:
            self._check_that_workers_come()
            self._take_what_is_done(timeout_s)
        return self._happened.popleft() if self._happened else None

    @property
    def has_event(self) -> bool:
        """See WorkerPool."""
        return bool(self._happened)

    def close(self) -> None:
        """See WorkerPool."""
        with suppress(RayError):  # a cluster that fails has nothing to be closed
            for seat in self._seats.values():
                ray.kill(seat.actor)
        self._seats.clear()
        self._pending.clear()

    def _take_what_is_done(self, timeout_s: float) -> None:
        """All calls that are done, or else the first that is done in time."""
        calls = list(self._pending)
        if not calls:  # every worker is idle, and `ray.wait` refuses to wait for nothing
            time.sleep(timeout_s)
            return
        done, _ = ray.wait(calls, num_returns=len(calls), timeout=0)
        if not done:
            done, _ = ray.wait(calls, num_returns=1, timeout=timeout_s)
        for call in done:
            self._take(call, self._pending.pop(call))

    def _take(self, call: Any, seat: _Seat) -> None:
        try:
            result: WorkerEvent | _Home = ray.get(call)
        except RayError as err:
            self._on_lost(seat, err)
            return
        if isinstance(result, _Home):
            self._ever_ready, seat.home = True, result
            result = Ready(seat.slot.name, result.pid)
        self._happened.append(result)

    def _on_lost(self, seat: _Seat, err: RayError) -> None:
        ray.kill(seat.actor)  # it may live: after an error in a call, or behind a broken connection
        refusal = _refusal(err)
        if refusal is None:
            self._replace(seat, _cause(err, seat.home))
        elif self._can_do_without(seat, refusal):
            self._give_up(seat, str(refusal))
        else:
            raise refusal

    def _can_do_without(self, seat: _Seat, refusal: MxtrialsError) -> bool:
        """One node may lack a library that others have; but a device that was asked for by number must be there."""
        return seat.slot.optional or (self._ever_ready and not isinstance(refusal, DeviceUnavailable))

    def _replace(self, seat: _Seat, cause: str) -> None:
        """Reports the loss, and seats a new actor in the lost one's place."""
        failed_starts = 0 if seat.home else seat.failed_starts + 1
        if seat.home:
            self._waiting_since_s = self._clock()
        if failed_starts >= FAILED_STARTS:
            self._give_up(seat, cause)
        else:
            self._happened.append(WorkerLost(seat.slot.name, cause))
            self._seat(seat.slot, failed_starts)

    def _seat(self, slot: Slot, failed_starts: int) -> None:
        # A CPU worker may hold the last CPU beside a GPU; `slots_for` leaves one to each GPU worker all the same.
        cpus = 1 if slot.device == "cpu" else 0
        actor = _Actor.options(num_cpus=cpus, num_gpus=slot.gpu_share).remote()  # type: ignore[attr-defined]
        seat = _Seat(slot, actor, failed_starts)
        self._seats[slot.name] = seat
        self._pending[actor.open.remote(slot, self._dataset, self._settings, self._make_worker)] = seat

    def _give_up(self, seat: _Seat, cause: str) -> None:
        del self._seats[seat.slot.name]
        if not self._seats:
            raise ClusterUnavailable(f"no worker is left: the last one, {seat.slot.name}, could not start ({cause})")
        self._happened.append(WorkerLost(seat.slot.name, cause))

    def _check_that_workers_come(self) -> None:
        if any(seat.home for seat in self._seats.values()):
            return
        if self._clock() - self._waiting_since_s > START_PATIENCE_S:
            raise ClusterUnavailable(
                f"no worker was ready within {START_PATIENCE_S:.0f} s: the cluster offers {ray.cluster_resources()}"
            )


def _refusal(err: RayError) -> MxtrialsError | None:
    """The error with which a worker refuses to start, and would again, if that is what happened."""
    cause = err.cause if isinstance(err, RayTaskError) else None
    return cause if isinstance(cause, MxtrialsError) else None


def _cause(err: RayError, home: _Home | None) -> str:
    """Why a worker was lost, in one sentence."""
    if isinstance(err, RayTaskError):
        return f"worker failed: {type(err.cause).__name__}: {_first_line(str(err.cause))}"
    if isinstance(err, OutOfMemoryError):
        return "out of memory: Ray killed the worker to save its node"
    if not isinstance(err, RayActorError):
        return f"Ray failed: {type(err).__name__}: {_first_line(str(err))}"
    if home is None:
        return f"worker could not start: {str(err).strip().splitlines()[-1]}"
    if not any(node["NodeID"] == home.node_id and node["Alive"] for node in ray.nodes()):
        return f"node {home.address} (id {home.node_id}) died"
    if isinstance(err, ActorUnavailableError):
        return f"node {home.address} (id {home.node_id}) died or cannot be reached"
    return f"worker process {home.pid} on node {home.address} died: it crashed or was killed"


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "no message")
