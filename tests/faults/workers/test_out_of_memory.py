"""A node that runs out of memory: Ray or the kernel kills a worker, and its trial resumes when memory is free."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster

from cluster.ray_backend.session import ray_session
from mnist_core.data.dataset import Dataset
from tests.faults.kit.faulty_worker import FILL_BYTES, PlannedFault, assert_resumed, run_faulty_study
from tests.faults.kit.matrix import fault
from tests.faults.kit.studies import undisturbed_hashes
from tests.support.small_cluster import small_cluster
from tests.support.small_group import small_group

pytestmark = pytest.mark.slow

# What the node may use in addition to now: more than the memory use of tests that run beside this one can change.
HEADROOM_BYTES = FILL_BYTES // 2
# Never used, because Ray only checks now and then.
SPARE_BYTES = 2**30


@pytest.fixture(scope="module")
def watchful_node() -> Iterator[Cluster]:
    """A raylet that kills a worker as soon as the node uses HEADROOM_BYTES more than now."""
    memory = psutil.virtual_memory()
    limit_bytes = memory.total - memory.available + HEADROOM_BYTES
    if limit_bytes + SPARE_BYTES > memory.total:
        pytest.skip("too little memory is free to let it run out safely")
    config = {"memory_usage_threshold": limit_bytes / memory.total, "memory_monitor_refresh_ms": 100}
    with small_cluster(_system_config=config) as cluster, ray_session(cluster.address, None):
        yield cluster


@fault(
    "Workers and nodes",
    "the node runs out of memory, and Ray kills the worker",
    seen='"out of memory: Ray killed worker ... to save its node"; the trial waits for memory and resumes',
    cost="training since the last checkpoint",
)
def test_out_of_memory_kill_by_ray_is_recognised(
    watchful_node: Cluster, tmp_path: Path, small_dataset: Dataset
) -> None:
    run_dir = run_faulty_study(tmp_path, small_dataset, [PlannedFault("fill memory")], slots=1)
    (undisturbed,) = undisturbed_hashes(tmp_path / "undisturbed", small_dataset)
    assert_resumed(run_dir, 0, undisturbed, "lost", "out of memory: Ray killed worker cpu-")


@fault(
    "Workers and nodes",
    "the node or the container runs out of memory, and the kernel kills the worker",
    seen='"out of memory, probably: the kernel killed processes of its node when worker ... died"; '
    "the trial waits for memory and resumes",
    cost="training since the last checkpoint",
)
def test_out_of_memory_kill_by_the_kernel_is_recognised(
    watchful_node: Cluster, tmp_path: Path, small_dataset: Dataset
) -> None:
    with small_group(3 * 2**29) as group:
        run_dir = run_faulty_study(tmp_path, small_dataset, [PlannedFault("fill memory", group=group)], slots=1)
    (undisturbed,) = undisturbed_hashes(tmp_path / "undisturbed", small_dataset)
    assert_resumed(run_dir, 0, undisturbed, "lost", "out of memory, probably: the kernel killed")
