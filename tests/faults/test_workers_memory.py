"""A node whose memory runs out: Ray ends a training to save it, and it goes on when there is memory again."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster

from cluster.ray_session import ray_session
from mnist_core.dataset import Dataset
from tests.faults.faulty_worker import CHUNK_BYTES, EATEN_CHUNKS, Plan, assert_goes_on, faulty_study
from tests.faults.matrix import fault
from tests.faults.studies import undisturbed_hashes

pytestmark = pytest.mark.slow


@pytest.fixture
def watchful_node() -> Iterator[Cluster]:
    """A raylet that kills a worker as soon as the node uses 2 GiB more than now."""
    memory = psutil.virtual_memory()
    limit = (memory.total - memory.available + CHUNK_BYTES * EATEN_CHUNKS // 2) / memory.total
    if limit > 1:
        pytest.skip("there is not enough memory to let it run out")
    config = {"memory_usage_threshold": limit, "memory_monitor_refresh_ms": 100}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": config})
    try:
        with ray_session(cluster.address, None):
            yield cluster
    finally:
        cluster.shutdown()


@fault(
    "Workers and nodes",
    "the node's memory runs out, and Ray kills the worker",
    seen='"out of memory: Ray killed the worker to save its node"; the trial waits for memory and goes on',
    lost="training since the last state",
)
def test_kill_by_ray_for_lack_of_memory_is_recognised(
    watchful_node: Cluster, tmp_path: Path, small_dataset: Dataset
) -> None:
    (marks := tmp_path / "marks").mkdir()
    run_dir = faulty_study(tmp_path, small_dataset, [Plan("eats memory", marks)], slots=1)
    (undisturbed,) = undisturbed_hashes(tmp_path / "undisturbed", small_dataset)
    assert_goes_on(run_dir, 0, undisturbed, "lost", "out of memory: Ray killed the worker")
