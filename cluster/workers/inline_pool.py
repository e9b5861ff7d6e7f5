"""A pool of one worker in this process: the same protocol without Ray, so that a debugger can step through a trial."""

import os
import time
from collections import deque
from collections.abc import Callable
from functools import partial

from typing_extensions import override

from cluster.trial import TrialSpec
from cluster.workers.events import Ready, WorkerEvent, WorkerLost
from cluster.workers.pool import WorkerPool
from cluster.workers.worker import Worker, WorkerSettings
from mnist_core.context import DeviceKind
from mnist_core.data.dataset import Dataset


class InlinePool(WorkerPool):
    """A pool of one worker, which trains when the next event is requested."""

    def __init__(self, dataset: Dataset, settings: WorkerSettings, device: DeviceKind = "cpu") -> None:
        """Opens the worker's context in this process; see Worker for the errors."""
        self._name = f"{device}-0"
        self._make_worker = partial(Worker, self._name, device, dataset, settings)
        self._worker = self._make_worker()
        self._todo: deque[Callable[[], WorkerEvent]] = deque([lambda: Ready(self._name, os.getpid())])

    @override
    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        if fresh:  # the process is the same; only the worker is new
            self._worker = self._make_worker()
        self._todo.append(lambda: self._worker.start(trial))

    @override
    def advance(self, worker: str) -> None:
        self._todo.append(self._worker.advance)

    @override
    def suspend(self, worker: str) -> None:
        self._todo.append(self._worker.suspend)

    @override
    def kill(self, worker: str, cause: str) -> None:
        # A worker in this process cannot hang unless the driver hangs too, so nothing is running now.
        self._todo.clear()
        self._todo.append(lambda: WorkerLost(self._name, cause))
        self._todo.append(lambda: Ready(self._name, os.getpid()))

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        if self._todo:
            return self._todo.popleft()()
        time.sleep(timeout_s)
        return None

    @property
    @override
    def has_event(self) -> bool:
        return False  # each event takes an epoch of training

    @override
    def close(self) -> None:
        self._todo.clear()
