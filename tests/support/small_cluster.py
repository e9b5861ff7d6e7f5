"""Ray clusters of several nodes on this machine, and pools whose workers begin together."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from ray.cluster_utils import Cluster

from cluster.ray_backend.pool import RayPool
from cluster.workers.events import Ready, WorkerEvent
from cluster.workers.slots import Slot
from cluster.workers.worker import MakeWorker, Worker, WorkerSettings
from mnist_core.data.dataset import Dataset


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


class Together(RayPool):
    """Its workers are Ready when all of them are, so that all take part.

    Attributes:
        ready: who they are.
    """

    def __init__(
        self, workers: int, dataset: Dataset, settings: WorkerSettings, make_worker: MakeWorker = Worker
    ) -> None:
        slots = [Slot(f"cpu-{number}", "cpu") for number in range(workers)]
        super().__init__(slots, dataset, settings, make_worker=make_worker)
        self.ready: list[Ready] = []
        while len(self.ready) < workers:
            event = super().next_event(1.0)
            if event is not None:
                assert isinstance(event, Ready)
                self.ready.append(event)
        self._kept = deque[WorkerEvent](self.ready)

    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        """See WorkerPool."""
        return self._kept.popleft() if self._kept else super().next_event(timeout_s)
