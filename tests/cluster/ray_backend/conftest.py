"""Fixtures for tests on a Ray cluster of several nodes."""

from collections.abc import Iterator

import pytest
from ray.cluster_utils import Cluster

from cluster.ray_backend.session import ray_session
from tests.support.small_cluster import small_cluster


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    """Two raylets with a CPU each; the head also claims to have a GPU."""
    with small_cluster(num_gpus=1) as cluster:
        cluster.add_node(num_cpus=1)
        with ray_session(cluster.address, None):
            yield cluster
