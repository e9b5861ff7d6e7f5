"""Ray clusters of several nodes on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from ray.cluster_utils import Cluster


@contextmanager
def small_cluster(**head: object) -> Iterator[Cluster]:
    """A head with one CPU, to which nodes may be added; `head` is what Ray is told of it beside that.

    Ray looks for a free port for its dashboard. It would insist on one else, and where another cluster has that, leave
    a socket or a process behind that is found as garbage later.
    """
    of_head = {"num_cpus": 1, "include_dashboard": False, "dashboard_port": None, **head}
    cluster = Cluster(initialize_head=True, head_node_args=of_head)
    try:
        yield cluster
    finally:
        cluster.shutdown()
