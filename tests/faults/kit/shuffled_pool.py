"""Studies on several workers in one process, whose events arrive in random order; SIGKILL at a chosen event."""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

from typing_extensions import override

from cluster.driver.driver import Driver
from cluster.driver.parts import StudyParts
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.creation import create_atomically
from cluster.run_dir.paths import RunDir
from cluster.search.search import Search
from cluster.spec.spec_file import load_spec
from cluster.store.store import Store
from cluster.trial import TrialSpec
from cluster.workers.events import Ready, WorkerEvent
from cluster.workers.pool import WorkerPool
from cluster.workers.worker import MakeWorker, Worker, WorkerSettings
from mnist_core.data.cache import open_dataset
from tests.faults.kit.studies import SETTINGS, SPEC


class ShuffledPool(WorkerPool):
    """A pool of real workers in this process, of which a random one trains next.

    Several events may come between two transactions of the driver, as on Ray.
    """

    def __init__(
        self,
        source: Path,
        workers: int,
        rng: Random,
        dies_at: int | None = None,
        make_worker: MakeWorker = Worker,
        settings: WorkerSettings = SETTINGS,
    ) -> None:
        """Opens the workers.

        Args:
            source: a folder of IDX files, in which the data cache is made too.
            workers: how many.
            rng: chooses the worker that trains next.
            dies_at: the process is killed when the driver asks for this event, counted from 1.
            make_worker: makes each of the workers.
            settings: the settings of all workers.
        """
        dataset = open_dataset(str(source), cache_dir=source)
        self._workers = {f"cpu-{n}": make_worker(f"cpu-{n}", "cpu", dataset, settings) for n in range(workers)}
        self._rng = rng
        self._dies_at = dies_at
        self._events = 0
        self._todo: list[Callable[[], WorkerEvent]] = [self._ready(name) for name in self._workers]

    @override
    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        self._todo.append(lambda: self._workers[worker].start(trial))

    @override
    def advance(self, worker: str) -> None:
        self._todo.append(self._workers[worker].advance)

    @override
    def suspend(self, worker: str) -> None:
        self._todo.append(self._workers[worker].suspend)

    @override
    def kill(self, worker: str, cause: str) -> None:
        raise NotImplementedError

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        self._events += 1
        if self._events == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._todo.pop(self._rng.randrange(len(self._todo)))() if self._todo else None

    @property
    @override
    def has_event(self) -> bool:
        return bool(self._todo) and self._rng.random() < 0.9

    @override
    def close(self) -> None:
        self._todo.clear()

    def _ready(self, name: str) -> Callable[[], WorkerEvent]:
        return lambda: Ready(name, os.getpid())


def run_or_resume(
    path: Path,
    source: Path,
    overrides: Sequence[str],
    workers: int,
    rng: Random,
    dies_at: int | None = None,
) -> None:
    """Starts a study on a ShuffledPool, or resumes it if its run directory exists; see ShuffledPool for the rest."""
    spec = load_spec(SPEC, overrides)
    run_dir = RunDir(path)
    if not path.exists():
        with create_atomically(path) as hidden:
            Store.create(hidden.store, spec.name).close()
    settings = replace(SETTINGS, state_every_s=spec.limits.checkpoint_every_s)
    pool = ShuffledPool(source, workers, rng, dies_at, settings=settings)
    with run_dir.lock(), closing(Store.open(run_dir.store)) as store:
        Driver(spec, StudyParts(store, Search(spec), pool, Checkpoints(run_dir))).run()
