"""RayPool on real Ray: a head and further raylets on this machine, real workers, and faults that are really caused."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
from ray.cluster_utils import Cluster

from cluster.ray_backend.pool import START_PATIENCE_S, RayPool
from cluster.ray_backend.session import cluster_size, ray_session
from cluster.trial import TrialSpec
from cluster.workers.events import Failed, Finished, Measured, Ready, WorkerEvent, WorkerLost
from cluster.workers.inline_pool import InlinePool
from cluster.workers.pool import WorkerPool
from cluster.workers.slots import Slot
from cluster.workers.worker import TrialEvent, Worker, WorkerSettings
from mnist_core.config import MlpConfig, TrainingConfig
from mnist_core.data.dataset import Dataset
from mnist_core.errors import ClusterUnavailable, DataError, DeviceUnavailable
from tests.support.small_cluster import small_cluster
from tests.support.small_group import join, small_group

SETTINGS = WorkerSettings(holdout=56, seed=0, state_every_s=0.0)
CPU_0, CPU_1 = Slot("cpu-0", "cpu"), Slot("cpu-1", "cpu")
PATIENCE_S = 60.0
ROOT = Path(__file__).parents[3]

slow = pytest.mark.slow


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    """Two raylets with a CPU each, of which the head also says that it has a GPU."""
    with small_cluster(num_gpus=1) as cluster:
        cluster.add_node(num_cpus=1)
        with ray_session(cluster.address, None):
            yield cluster


def trial(number: int = 0, epochs: int = 2, resume_from: bytes | None = None) -> TrialSpec:
    model = MlpConfig(hidden=(16,), initializer="xavier")
    return TrialSpec(number, model, TrainingConfig(epochs=epochs, batch_size=50), seed=7, resume_from=resume_from)


def next_event(pool: WorkerPool) -> WorkerEvent:
    """The next event of a pool that has an instruction in progress."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        event = pool.next_event(1.0)
        if event is not None:
            return event
    raise AssertionError(f"nothing happened within {PATIENCE_S} s")


def next_ready(pool: WorkerPool) -> Ready:
    event = next_event(pool)
    assert isinstance(event, Ready)
    return event


def train(pool: WorkerPool, worker: str, spec: TrialSpec) -> Finished:
    """Trains a trial to its end on a worker that is Ready."""
    pool.start(worker, spec)
    while isinstance(event := next_event(pool), Measured):
        pool.advance(worker)
    assert isinstance(event, Finished)
    return event


def wait_until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def raylet_of(pid: int) -> int:
    return psutil.Process(pid).ppid()


NO_SESSION = """
import numpy as np
from cluster.ray_backend.pool import RayPool
from cluster.workers.worker import TrialEvent, Worker, WorkerSettings
from mnist_core.errors import ClusterUnavailable
try:
    RayPool([], np.zeros(1), WorkerSettings(holdout=1, seed=0))
except ClusterUnavailable as err:
    print(err)
"""


def test_pool_without_a_working_ray_is_unavailable() -> None:
    environment = {**os.environ, "RAY_ENABLE_AUTO_CONNECT": "0"}
    command = [sys.executable, "-c", NO_SESSION]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("Ray failed (RaySystemError: ")
    assert ended.stdout.endswith(": fix the cluster, then resume the study\n")


@slow
def test_cluster_of_several_nodes_has_the_size_of_them_all(nodes: Cluster) -> None:
    assert cluster_size() == (2, 1)


@slow
def test_workers_on_several_nodes_give_the_weights_of_this_process(nodes: Cluster, small_dataset: Dataset) -> None:
    inline = InlinePool(small_dataset, SETTINGS)
    expected = train(inline, next_ready(inline).worker, trial()).weights_sha256
    pool = RayPool([CPU_0, CPU_1], small_dataset, SETTINGS)
    try:
        workers = [next_ready(pool), next_ready(pool)]
        assert len({raylet_of(ready.pid) for ready in workers}) == 2
        assert {train(pool, ready.worker, trial()).weights_sha256 for ready in workers} == {expected}
    finally:
        pool.close()


@slow
def test_images_are_read_from_the_object_store_and_not_copied(nodes: Cluster, bundled_dataset: Dataset) -> None:
    pool = RayPool([CPU_0], bundled_dataset, WorkerSettings(holdout=10_000, seed=0))
    try:
        ready = next_ready(pool)
        train(pool, ready.worker, trial())
        shared = [found.rss for found in psutil.Process(ready.pid).memory_maps() if "plasma" in found.path]
        assert sum(shared) >= bundled_dataset.train.images.nbytes
        mapped: Dataset = ray.get(pool._dataset)
        assert not mapped.train.images.flags.writeable
        assert not mapped.train.images.flags.owndata
    finally:
        pool.close()


@slow
def test_trial_that_raises_fails_and_its_worker_continues(nodes: Cluster, small_dataset: Dataset) -> None:
    pool = RayPool([CPU_0], small_dataset, SETTINGS)
    try:
        worker = next_ready(pool).worker
        pool.start(worker, trial(3, resume_from=b"no state"))
        event = next_event(pool)
        assert isinstance(event, Failed)
        assert (event.number, event.retryable) == (3, False)
        assert event.error.startswith("CheckpointError: ")
        assert event.traceback.startswith("Traceback (most recent call last)")
        assert pool.next_event(0.0) is None  # idle: there is nothing that could happen
        assert train(pool, worker, trial()).number == 0
    finally:
        pool.close()


@slow
def test_worker_with_a_bug_is_lost_with_the_error_and_replaced(nodes: Cluster, small_dataset: Dataset) -> None:
    pool = RayPool([CPU_0], small_dataset, SETTINGS)
    try:
        ready = next_ready(pool)
        pool.advance(ready.worker)
        cause = "worker failed: RuntimeError: worker cpu-0 has no trial to continue"
        assert next_event(pool) == WorkerLost("cpu-0", cause)
        assert next_ready(pool).pid != ready.pid
    finally:
        pool.close()


class CrashingAfterOomKill(Worker):
    """During its trial's first epoch, the kernel kills another process; the second epoch crashes it."""

    def __init__(self, *settings: Any, group: Path) -> None:
        super().__init__(*settings)
        join(group)

    def start(self, trial: TrialSpec) -> TrialEvent:
        """See Worker."""
        eater = subprocess.run([sys.executable, "-c", "bytes([1]) * 2**30"], check=False)
        assert eater.returncode == -signal.SIGKILL
        return super().start(trial)

    def advance(self) -> TrialEvent:
        """See Worker."""
        os.kill(os.getpid(), signal.SIGSEGV)
        return super().advance()


@slow
def test_crash_after_the_kernel_killed_another_process_is_not_out_of_memory(
    nodes: Cluster, small_dataset: Dataset
) -> None:
    with small_group(2**29) as group:
        pool = RayPool([CPU_0], small_dataset, SETTINGS, make_worker=partial(CrashingAfterOomKill, group=group))
        try:
            worker = next_ready(pool).worker
            pool.start(worker, trial())
            assert isinstance(next_event(pool), Measured)
            pool.advance(worker)
            lost = next_event(pool)
            assert isinstance(lost, WorkerLost)
            assert (lost.reason, lost.cause.endswith("died: it crashed or was killed")) == ("died", True)
        finally:
            pool.close()


@slow
def test_fresh_worker_is_a_new_process_that_starts_at_once_and_before_waiting_ones(
    nodes: Cluster, small_dataset: Dataset
) -> None:
    pool = RayPool([CPU_0, CPU_1, Slot("cpu-2", "cpu")], small_dataset, SETTINGS)  # there are two CPUs
    try:
        first, second = next_ready(pool), next_ready(pool)
        pool.start(first.worker, trial(), fresh=True)
        assert isinstance(next_event(pool), Measured)  # not Ready, though it is another process
        pool.advance(first.worker)
        assert isinstance(next_event(pool), Finished)
        wait_until(lambda: not psutil.pid_exists(first.pid))
        assert psutil.pid_exists(second.pid)
    finally:
        pool.close()


@slow
def test_fresh_worker_that_never_started_is_not_blamed_on_its_trial(nodes: Cluster, small_dataset: Dataset) -> None:
    pool = RayPool([CPU_0], small_dataset, SETTINGS)
    try:
        worker = next_ready(pool).worker
        pool.start(worker, trial(), fresh=True)
        pool.kill(worker, "it hangs")
        assert next_event(pool) == WorkerLost(worker, "it hangs", "other")
        assert next_ready(pool).worker == worker
        assert train(pool, worker, trial()).number == 0
    finally:
        pool.close()


class Clock:
    """A clock that moves only when it is set."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@slow
def test_pool_is_unavailable_only_when_no_worker_is_ready_for_too_long(nodes: Cluster, small_dataset: Dataset) -> None:
    clock = Clock()
    pool = RayPool([CPU_0], small_dataset, SETTINGS, clock)
    try:
        worker = next_ready(pool).worker
        clock.now_s += 10 * START_PATIENCE_S
        assert pool.next_event(0.0) is None  # the worker is ready all that time
        pool.kill(worker, "it hangs")
        assert next_event(pool) == WorkerLost(worker, "it hangs")
        clock.now_s += START_PATIENCE_S
        pool.next_event(0.0)
        clock.now_s += 1.0
        with pytest.raises(ClusterUnavailable, match="no worker was ready within 180 s: the cluster offers .*CPU"):
            pool.next_event(0.0)
    finally:
        pool.close()


@slow
def test_optional_slot_without_its_device_is_dropped_with_the_reason(nodes: Cluster, small_dataset: Dataset) -> None:
    pool = RayPool([Slot("gpu-0", "gpu", 1.0, optional=True), CPU_0], small_dataset, SETTINGS)
    try:
        events = [next_event(pool), next_event(pool)]
        (lost,) = [event for event in events if isinstance(event, WorkerLost)]
        assert lost == WorkerLost("gpu-0", str(rejected_gpu(small_dataset)), "other")
        assert [event.worker for event in events if isinstance(event, Ready)] == ["cpu-0"]
        assert train(pool, "cpu-0", trial()).number == 0
    finally:
        pool.close()


def rejected_gpu(dataset: Dataset) -> DeviceUnavailable:
    """The error of a study that insists on a GPU where none can be had."""
    pool = RayPool([Slot("gpu-0", "gpu", 1.0)], dataset, SETTINGS)
    try:
        with pytest.raises(DeviceUnavailable) as rejected:
            next_event(pool)
    finally:
        pool.close()
    return rejected.value


@slow
def test_slot_without_its_device_ends_the_study_with_the_reason(nodes: Cluster, small_dataset: Dataset) -> None:
    assert "mxnet" in str(rejected_gpu(small_dataset))


@ray.remote(num_cpus=0, num_gpus=1)
class GpuHolder:
    """Keeps the cluster's GPU from others."""

    def holds(self) -> bool:
        """Answers as soon as it holds the GPU."""
        return True


@slow
@pytest.mark.parametrize("optional", [True, False])
def test_slot_without_its_device_beside_a_ready_worker(optional: bool, nodes: Cluster, small_dataset: Dataset) -> None:
    """An `auto` slot is dropped; one that was asked for by number ends the study, whichever is ready first."""
    rejection = rejected_gpu(small_dataset)
    holder = GpuHolder.remote()  # type: ignore[attr-defined]
    ray.get(holder.holds.remote())
    pool = RayPool([Slot("gpu-0", "gpu", 1.0, optional=optional), CPU_0], small_dataset, SETTINGS)
    try:
        assert next_ready(pool).worker == "cpu-0"
        ray.kill(holder)
        if optional:
            assert next_event(pool) == WorkerLost("gpu-0", str(rejection), "other")
            assert train(pool, "cpu-0", trial()).number == 0
        else:
            with pytest.raises(DeviceUnavailable, match=re.escape(str(rejection))):
                next_event(pool)
    finally:
        pool.close()


@slow
def test_pool_whose_last_slot_is_dropped_is_unavailable(nodes: Cluster, small_dataset: Dataset) -> None:
    pool = RayPool([Slot("gpu-0", "gpu", 1.0, optional=True)], small_dataset, SETTINGS)
    try:
        with pytest.raises(ClusterUnavailable, match="no worker is left: the last one, gpu-0, could not start"):
            next_event(pool)
    finally:
        pool.close()


@slow
def test_holdout_that_does_not_fit_is_an_error_of_the_data(nodes: Cluster, small_dataset: Dataset) -> None:
    pool = RayPool([CPU_0], small_dataset, WorkerSettings(holdout=256, seed=0))
    try:
        with pytest.raises(DataError, match="data.holdout is 256"):
            next_event(pool)
    finally:
        pool.close()
