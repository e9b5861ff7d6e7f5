"""RayPool on real Ray: two raylets on this machine, real workers and real faults."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from socket import gethostname
from typing import Any

import psutil
import pytest
import ray
from ray.cluster_utils import Cluster
from typing_extensions import override

from cluster.ray_backend.pool import START_PATIENCE_S, RayPool
from cluster.ray_backend.session import cluster_size
from cluster.trial import TrialSpec
from cluster.workers.events import Failed, Finished, Measured, WorkerLost
from cluster.workers.inline_pool import InlinePool
from cluster.workers.slots import Slot
from cluster.workers.worker import TrialEvent, Worker, WorkerSettings
from mnist_core.data.dataset import Dataset
from mnist_core.errors import ClusterUnavailable, DataError
from tests.cluster.ray_backend.small_trials import SETTINGS, next_event, next_ready, train, trial
from tests.support.processes import wait_until
from tests.support.small_group import join, small_group

CPU_0, CPU_1 = Slot("cpu-0", "cpu"), Slot("cpu-1", "cpu")
ROOT = Path(__file__).parents[3]

slow = pytest.mark.slow


def raylet_of(pid: int) -> int:
    return psutil.Process(pid).ppid()


def place_of(pid: int) -> str:
    """Where a worker on this machine ran, as messages say it."""
    return f"process {pid}, node {ray.util.get_node_ip_address()}, host {gethostname()}"


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


def test_pool_without_a_ray_session_is_unavailable() -> None:
    environment = {**os.environ, "RAY_ENABLE_AUTO_CONNECT": "0"}
    command = [sys.executable, "-c", NO_SESSION]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("Ray failed (RaySystemError: ")
    assert ended.stdout.endswith(": fix the cluster, then resume the study\n")


@slow
def test_cluster_size_is_the_sum_over_its_nodes(nodes: Cluster) -> None:
    assert cluster_size() == (2, 1)


@slow
def test_workers_on_several_nodes_train_the_weights_of_this_process(nodes: Cluster, small_dataset: Dataset) -> None:
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
        assert pool.next_event(0.0) is None  # idle: no event can come
        assert train(pool, worker, trial()).number == 0
    finally:
        pool.close()


@slow
def test_worker_with_a_bug_is_lost_with_the_error_and_replaced(nodes: Cluster, small_dataset: Dataset) -> None:
    pool = RayPool([CPU_0], small_dataset, SETTINGS)
    try:
        ready = next_ready(pool)
        pool.advance(ready.worker)
        cause = f"worker cpu-0 ({place_of(ready.pid)}) failed: RuntimeError: worker cpu-0 has no trial to continue"
        assert next_event(pool) == WorkerLost("cpu-0", cause)
        assert next_ready(pool).pid != ready.pid
    finally:
        pool.close()


class CrashingWorker(Worker):
    """In its first epoch the kernel kills another process of its cgroup; in the second epoch it crashes itself."""

    def __init__(self, *settings: Any, group: Path) -> None:
        super().__init__(*settings)
        join(group)

    @override
    def start(self, trial: TrialSpec) -> TrialEvent:
        eater = subprocess.run([sys.executable, "-c", "bytes([1]) * 2**30"], check=False)
        assert eater.returncode == -signal.SIGKILL
        return super().start(trial)

    @override
    def advance(self) -> TrialEvent:
        os.kill(os.getpid(), signal.SIGSEGV)
        return super().advance()


@slow
def test_crash_after_an_oom_kill_beside_the_worker_is_reported_as_a_crash(
    nodes: Cluster, small_dataset: Dataset
) -> None:
    with small_group(2**29) as group:
        pool = RayPool([CPU_0], small_dataset, SETTINGS, make_worker=partial(CrashingWorker, group=group))
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
def test_fresh_worker_is_a_new_process_that_starts_before_waiting_workers(
    nodes: Cluster, small_dataset: Dataset
) -> None:
    pool = RayPool([CPU_0, CPU_1, Slot("cpu-2", "cpu")], small_dataset, SETTINGS)  # there are two CPUs
    try:
        first, second = next_ready(pool), next_ready(pool)
        pool.start(first.worker, trial(), fresh=True)
        assert isinstance(next_event(pool), Measured)  # not Ready, although it is another process
        pool.advance(first.worker)
        assert isinstance(next_event(pool), Finished)
        wait_until(lambda: not psutil.pid_exists(first.pid), "the replaced worker ends")
        assert psutil.pid_exists(second.pid)
    finally:
        pool.close()


@slow
def test_trial_is_not_blamed_for_a_fresh_worker_that_is_killed_before_it_starts(
    nodes: Cluster, small_dataset: Dataset
) -> None:
    pool = RayPool([CPU_0], small_dataset, SETTINGS)
    try:
        worker = next_ready(pool).worker
        pool.start(worker, trial(), fresh=True)
        pool.kill(worker, "it hangs")
        assert next_event(pool) == WorkerLost(worker, f"worker {worker} was killed: it hangs", "other")
        assert next_ready(pool).worker == worker
        assert train(pool, worker, trial()).number == 0
    finally:
        pool.close()


class Clock:
    """A clock that stands still until it is moved."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@slow
def test_pool_is_unavailable_only_if_no_worker_is_ready_for_too_long(nodes: Cluster, small_dataset: Dataset) -> None:
    clock = Clock()
    pool = RayPool([CPU_0], small_dataset, SETTINGS, clock)
    try:
        ready = next_ready(pool)
        worker = ready.worker
        clock.now_s += 10 * START_PATIENCE_S
        assert pool.next_event(0.0) is None  # the worker is ready all that time
        pool.kill(worker, "it hangs")
        assert next_event(pool) == WorkerLost(worker, f"worker {worker} ({place_of(ready.pid)}) was killed: it hangs")
        clock.now_s += 10 * START_PATIENCE_S
        pool.next_event(0.0)  # everything was paused
        for _ in range(round(START_PATIENCE_S)):
            pool.next_event(0.0)
            clock.now_s += 1.0
        with pytest.raises(ClusterUnavailable, match="no worker was ready within 180 s: the cluster offers .*CPU"):
            pool.next_event(0.0)
    finally:
        pool.close()


@slow
def test_holdout_larger_than_the_data_raises_data_error(nodes: Cluster, small_dataset: Dataset) -> None:
    pool = RayPool([CPU_0], small_dataset, WorkerSettings(holdout=256, seed=0))
    try:
        with pytest.raises(DataError, match="data.holdout is 256"):
            next_event(pool)
    finally:
        pool.close()
