"""A RayPool for measurements and tests in which every worker must take part, however short the study is.

Importing this module imports Ray, so open a `ray_session` first, which sets Ray's environment.
"""

from collections import deque

from typing_extensions import override

from cluster.ray_backend.pool import RayPool
from cluster.workers.events import Ready, WorkerEvent
from cluster.workers.slots import Slot
from cluster.workers.worker import MakeWorker, Worker, WorkerSettings
from mnist_core.data.dataset import Dataset


class ReadyTogether(RayPool):
    """CPU workers on Ray that are Ready only when all of them are, so that none trains alone in the meantime.

    Attributes:
        ready: the Ready events of the workers.
    """

    def __init__(
        self, workers: int, dataset: Dataset, settings: WorkerSettings, make_worker: MakeWorker = Worker
    ) -> None:
        """Starts the workers and waits until all of them are ready; see RayPool for the errors."""
        slots = [Slot(f"cpu-{number}", "cpu") for number in range(workers)]
        super().__init__(slots, dataset, settings, make_worker=make_worker)
        self.ready: list[Ready] = []
        while len(self.ready) < workers:
            event = super().next_event(1.0)
            if event is not None:
                assert isinstance(event, Ready), event
                self.ready.append(event)
        self._held_back = deque(self.ready)

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        return self._held_back.popleft() if self._held_back else super().next_event(timeout_s)
