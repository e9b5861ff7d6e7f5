"""RayPool on real Ray, with slots for a GPU that Ray offers but the machine does not have."""

import re
from socket import gethostname

import pytest
import ray
from ray.cluster_utils import Cluster

from cluster.ray_backend.pool import RayPool
from cluster.ray_backend.session import cluster_size
from cluster.spec.study_spec import WorkersSpec
from cluster.workers.events import Ready, WorkerEvent, WorkerLost
from cluster.workers.slots import Slot, slots_for
from mnist_core.data.dataset import Dataset
from mnist_core.errors import ClusterUnavailable, DeviceUnavailable
from tests.cluster.ray_backend.small_trials import SETTINGS, next_event, next_ready, train, trial

CPU_0 = Slot("cpu-0", "cpu")

pytestmark = pytest.mark.slow


def require_missing_gpu(dataset: Dataset) -> DeviceUnavailable:
    """Starts a pool that requires a GPU, which no node has, and returns the error."""
    pool = RayPool([Slot("gpu-0", "gpu", 1.0)], dataset, SETTINGS)
    try:
        with pytest.raises(DeviceUnavailable) as raised:
            next_event(pool)
    finally:
        pool.close()
    return raised.value


def assert_rejected(event: WorkerEvent | None, worker: str, reason: str) -> None:
    """Checks that a worker was lost for a reason, and that its process, node and host are named."""
    assert isinstance(event, WorkerLost)
    assert (event.worker, event.reason) == (worker, "other")
    place = rf"process \d+, node {re.escape(ray.util.get_node_ip_address())}, host {gethostname()}"
    where = rf"worker {worker} \({place}\) could not start: "
    assert re.fullmatch(where + re.escape(reason), event.cause)


def test_optional_slot_without_its_device_is_dropped_with_the_reason(nodes: Cluster, small_dataset: Dataset) -> None:
    pool = RayPool([Slot("gpu-0", "gpu", 1.0, optional=True), CPU_0], small_dataset, SETTINGS)
    try:
        events = [next_event(pool), next_event(pool)]
        (lost,) = [event for event in events if isinstance(event, WorkerLost)]
        assert_rejected(lost, "gpu-0", str(require_missing_gpu(small_dataset)))
        assert [event.worker for event in events if isinstance(event, Ready)] == ["cpu-0"]
        assert train(pool, "cpu-0", trial()).number == 0
    finally:
        pool.close()


def test_required_slot_without_its_device_raises_the_reason(nodes: Cluster, small_dataset: Dataset) -> None:
    assert "mxnet" in str(require_missing_gpu(small_dataset))


@ray.remote(num_cpus=0, num_gpus=1)
class GpuHolder:
    """Holds the only GPU of the cluster."""

    def is_placed(self) -> bool:
        """Answers as soon as this actor has the GPU."""
        return True


@pytest.mark.parametrize("optional", [True, False])
def test_slot_without_its_device_beside_a_ready_worker_is_dropped_only_if_optional(
    optional: bool, nodes: Cluster, small_dataset: Dataset
) -> None:
    """A slot is optional if the spec says `auto`, and required if it gives a number."""
    missing = require_missing_gpu(small_dataset)
    holder = GpuHolder.remote()  # type: ignore[attr-defined]
    ray.get(holder.is_placed.remote())
    pool = RayPool([Slot("gpu-0", "gpu", 1.0, optional=optional), CPU_0], small_dataset, SETTINGS)
    try:
        assert next_ready(pool).worker == "cpu-0"
        ray.kill(holder)
        if optional:
            assert_rejected(next_event(pool), "gpu-0", str(missing))
            assert train(pool, "cpu-0", trial()).number == 0
        else:
            with pytest.raises(DeviceUnavailable, match=re.escape(str(missing))):
                next_event(pool)
    finally:
        pool.close()


def test_every_rejected_gpu_gives_its_cpu_to_another_worker(nodes: Cluster, small_dataset: Dataset) -> None:
    slots = slots_for(WorkersSpec(gpu_fraction=0.5), *cluster_size(), trials=10)
    assert [slot.name for slot in slots] == ["gpu-0", "gpu-1"]
    rejection = str(require_missing_gpu(small_dataset))
    pool = RayPool(slots, small_dataset, SETTINGS)
    try:
        events = [next_event(pool) for _ in range(4)]
        lost = [event for event in events if isinstance(event, WorkerLost)]
        assert sorted(event.worker for event in lost) == ["gpu-0", "gpu-1"]
        for event in lost:
            assert_rejected(event, event.worker, rejection)
        ready = sorted(event.worker for event in events if isinstance(event, Ready))
        assert ready == ["cpu-0", "cpu-1"]
        assert train(pool, "cpu-1", trial()).number == 0
    finally:
        pool.close()


def test_pool_whose_last_slot_is_dropped_is_unavailable(nodes: Cluster, small_dataset: Dataset) -> None:
    pool = RayPool([Slot("gpu-0", "gpu", 1.0, optional=True)], small_dataset, SETTINGS)
    try:
        with pytest.raises(ClusterUnavailable, match="no worker is left: worker gpu-0 .* could not start"):
            next_event(pool)
    finally:
        pool.close()
