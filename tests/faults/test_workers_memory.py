"""A node without memory: Python, Ray or the kernel ends a training, and it goes on when there is memory again."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ray.cluster_utils import Cluster

from cluster.ray_session import ray_session
from mnist_core.dataset import Dataset
from tests.faults.faulty_worker import CHUNK_BYTES, EATEN_CHUNKS, Faults
from tests.faults.matrix import fault

pytestmark = pytest.mark.slow

VERSION_1, VERSION_2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
IN_BETWEEN_BYTES = CHUNK_BYTES * EATEN_CHUNKS // 2


@pytest.fixture(scope="module")
def watchful_node() -> Iterator[Cluster]:
    """A raylet that kills a worker as soon as the node uses 2 GiB more than now."""
    memory = psutil.virtual_memory()
    limit = (memory.total - memory.available + IN_BETWEEN_BYTES) / memory.total
    if limit > 1:
        pytest.skip("there is not enough memory to let it run out")
    config = {"memory_usage_threshold": limit, "memory_monitor_refresh_ms": 100}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": config})
    try:
        with ray_session(cluster.address, None):
            yield cluster
    finally:
        cluster.shutdown()


@pytest.fixture
def faults(watchful_node: Cluster, tmp_path: Path, small_dataset: Dataset) -> Faults:
    return Faults(tmp_path, small_dataset)


@fault(
    "Workers and nodes",
    "training lacks memory (`MemoryError`)",
    seen="the trial waits until 15 % of the node's memory is free, two minutes at most, then goes on as after a crash",
    lost="training since the last state",
)
def test_trial_without_memory_goes_on_when_there_is_some(faults: Faults) -> None:
    faults.assert_goes_on(faults.run("MemoryError", slots=1), "failed", "MemoryError")


@fault(
    "Workers and nodes",
    "the node's memory runs out, and Ray kills the worker",
    seen='"out of memory: Ray killed the worker to save its node"; the trial waits for memory and goes on',
    lost="training since the last state",
)
def test_kill_by_ray_for_lack_of_memory_is_recognised(faults: Faults) -> None:
    faults.assert_goes_on(faults.run("eats memory", slots=1), "lost", "out of memory: Ray killed the worker")


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A group of processes that may have 1.5 GiB, after which the kernel kills."""
    groups, limit = (VERSION_1, "memory.limit_in_bytes") if VERSION_1.exists() else (VERSION_2, "memory.max")
    folder = groups / "mxtrials-test"
    try:
        folder.mkdir()
        (folder / limit).write_text(str(CHUNK_BYTES * EATEN_CHUNKS * 3 // 8))
    except OSError as err:
        pytest.skip(f"no group of processes with a memory limit can be made here ({err})")
    yield folder
    folder.rmdir()


@fault(
    "Workers and nodes",
    "the node's or the container's memory runs out, and the kernel kills the worker",
    seen='"out of memory, probably: the kernel of node ... killed processes"; the trial waits for memory and goes on',
    lost="training since the last state",
)
def test_kill_by_the_kernel_for_lack_of_memory_is_recognised(small_group: Path, faults: Faults) -> None:
    run_dir = faults.run("eats memory", slots=1, group=small_group)
    faults.assert_goes_on(run_dir, "lost", "out of memory, probably: the kernel of node")
