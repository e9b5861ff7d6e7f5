"""Ray clusters of several nodes on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from ray.cluster_utils import Cluster


@contextmanager
def small_cluster(**head: object) -> Iterator[Cluster]:
    """Starts a head node with one CPU, to which nodes can be added; `head` adds to or replaces its arguments.

    With `dashboard_port=None` Ray looks for a free port. By default it insists on a fixed one, and if another cluster
    has it, leaks a socket or a process, which fails a later test.
    """
    head_node_args = {"num_cpus": 1, "include_dashboard": False, "dashboard_port": None, **head}
    cluster = Cluster(initialize_head=True, head_node_args=head_node_args)
    try:
        yield cluster
    finally:
        cluster.shutdown()
