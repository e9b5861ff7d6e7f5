"""A study on several workers at once in one process, which dies by SIGKILL when it has taken in so many events."""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from random import Random

from cluster.driver.driver import Driver
from cluster.driver.parts import StudyParts
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.search.search import Search
from cluster.spec.spec_file import load_spec
from cluster.store.store import Store
from cluster.trial import TrialSpec
from cluster.workers.events import Ready, WorkerEvent
from cluster.workers.worker import MakeWorker, Worker
from mnist_core.data.cache import open_dataset
from tests.faults.kit.studies import SETTINGS, SPEC


class LanesPool:
    """See WorkerPool: real workers that take turns as chance has it, several of them between two transactions."""

    def __init__(
        self,
        source: Path,
        lanes: int,
        chance: Random,
        dies_at: int | None = None,
        make_worker: MakeWorker = Worker,
    ) -> None:
        """dies_at: the event that the driver does not live to see."""
        dataset = open_dataset(str(source), cache_dir=source)
        self._workers = {f"cpu-{n}": make_worker(f"cpu-{n}", "cpu", dataset, SETTINGS) for n in range(lanes)}
        self._chance, self._dies_at, self._events = chance, dies_at, 0
        self._todo: list[Callable[[], WorkerEvent]] = [self._ready(name) for name in self._workers]

    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        self._todo.append(lambda: self._workers[worker].start(trial))

    def advance(self, worker: str) -> None:
        self._todo.append(self._workers[worker].advance)

    def suspend(self, worker: str) -> None:
        self._todo.append(self._workers[worker].suspend)

    def kill(self, worker: str, cause: str) -> None:
        raise NotImplementedError

    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        self._events += 1
        if self._events == self._dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._todo.pop(self._chance.randrange(len(self._todo)))() if self._todo else None

    @property
    def has_event(self) -> bool:
        return bool(self._todo) and self._chance.random() < 0.9

    def close(self) -> None:
        self._todo.clear()

    def _ready(self, name: str) -> Callable[[], WorkerEvent]:
        return lambda: Ready(name, os.getpid())


def drive(
    path: Path, source: Path, overrides: Sequence[str], lanes: int, chance: Random, dies_at: int | None = None
) -> None:
    """Begins a study, or goes on with it."""
    spec, run_dir = load_spec(SPEC, overrides), RunDir(path)
    if not path.exists():
        with RunDir.create_atomically(path) as hidden:
            Store.create(hidden.store, spec.name).close()
    pool = LanesPool(source, lanes, chance, dies_at)
    with run_dir.locked(), closing(Store.open(run_dir.store)) as store:
        Driver(spec, StudyParts(store, Search(spec), pool, Checkpoints(run_dir))).run()
