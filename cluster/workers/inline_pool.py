"""A pool of one worker in this very process: no Ray, the same API, so a debugger steps through a trial."""

import os
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from cluster.trial import TrialSpec
from cluster.workers.events import Ready, WorkerEvent, WorkerLost
from cluster.workers.worker import Worker, WorkerSettings
from mnist_core.context import DeviceKind
from mnist_core.data.dataset import Dataset


class InlinePool:
    """See WorkerPool. An instruction is carried out when the next event is asked for."""

    def __init__(self, dataset: Dataset, settings: WorkerSettings, device: DeviceKind = "cpu") -> None:
        """Opens the worker's context in this process; see Worker for the errors."""
        self._name = f"{device}-0"
        self._make_worker = partial(Worker, self._name, device, dataset, settings)
        self._worker = self._make_worker()
        self._todo: deque[Callable[[], WorkerEvent]] = deque([lambda: Ready(self._name, os.getpid())])

    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        """See WorkerPool; as the process stays the same, only the worker is fresh."""
        if fresh:
            self._worker = self._make_worker()
        self._todo.append(lambda: self._worker.start(trial))

    def advance(self, worker: str) -> None:
        """See WorkerPool."""
        self._todo.append(self._worker.advance)

    def suspend(self, worker: str) -> None:
        """See WorkerPool."""
        self._todo.append(self._worker.suspend)

    def kill(self, worker: str, cause: str) -> None:
        """See WorkerPool; a worker in this process cannot hang without the driver hanging too."""
        self._todo.clear()
        self._todo.append(lambda: WorkerLost(self._name, cause))
        self._todo.append(lambda: Ready(self._name, os.getpid()))

    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        """See WorkerPool; training happens here."""
        if self._todo:
            return self._todo.popleft()()
        time.sleep(timeout_s)
        return None

    @property
    def has_event(self) -> bool:
        """See WorkerPool; each event takes a training."""
        return False

    def close(self) -> None:
        """See WorkerPool."""
        self._todo.clear()
