"""How fast the driver processes measurements, with store and TensorBoard, and how much of finished trials it keeps.

Run as `python -m jobs.bench.programs.results MODE WORKERS COUNT`, where MODE and COUNT are
    at-once EPOCHS  prints the measurements per second of workers in this process that all report at the same time
    ray EPOCHS      prints the same for Ray actors
    kept TRIALS     prints what remains of finished trials, see `measure_kept`
    cpu TRIALS      prints the milliseconds of the driver's CPU per trial of three epochs, see `measure_cpu`
"""

import gc
import json
import os
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from typing_extensions import override

from cluster.driver.driver import Driver
from cluster.driver.observer import StudyEvent, StudyObserver, TrialEnded
from cluster.driver.parts import StudyParts
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.search.search import Search
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from cluster.tensorboard.recorder import Recorder
from cluster.time_spent import Part
from cluster.trial import TrialSpec
from cluster.workers.events import Ready, WorkerEvent
from cluster.workers.pool import WorkerPool
from jobs.bench.programs.dispatch import run_study
from jobs.bench.programs.noop import NO_DATA, SETTINGS, NoopWorker, noop_study

CPU_EPOCHS = 3


class AtOncePool(WorkerPool):
    """A WorkerPool in this process whose workers all report at the same time, again and again."""

    def __init__(self, workers: int, with_confusion: bool = False) -> None:
        """workers: how many; all are Ready. with_confusion: whether they measure confusion matrices."""
        names = [f"cpu-{index}" for index in range(workers)]
        self._workers = {
            name: NoopWorker(name, "cpu", NO_DATA, SETTINGS, with_confusion=with_confusion) for name in names
        }
        self._now: deque[WorkerEvent] = deque(Ready(name, os.getpid()) for name in names)
        self._next: deque[WorkerEvent] = deque()
        self.instructions = 0

    @override
    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        self._queue(self._workers[worker].start(trial))

    @override
    def advance(self, worker: str) -> None:
        self._queue(self._workers[worker].advance())

    @override
    def suspend(self, worker: str) -> None:
        self._queue(self._workers[worker].suspend())

    @override
    def kill(self, worker: str, cause: str) -> None:
        """Does nothing: these workers never hang."""

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        del timeout_s
        if not self._now:
            self._now, self._next = self._next, self._now
        return self._now.popleft() if self._now else None

    @property
    @override
    def has_event(self) -> bool:
        return bool(self._now)

    @override
    def close(self) -> None:
        """Does nothing: the workers have no processes."""

    def _queue(self, event: WorkerEvent) -> None:
        self.instructions += 1
        self._next.append(event)


class FootprintObserver(StudyObserver):
    """Measures this process's memory, files and threads whenever one of the given numbers of trials has ended."""

    def __init__(self, at: tuple[int, ...]) -> None:
        """at: the numbers of trials."""
        self.resident_bytes: list[int] = []
        self.files: list[int] = []
        self.threads: list[int] = []
        self._at = at
        self._ended = 0

    @override
    def notify(self, event: StudyEvent) -> None:
        if not isinstance(event, TrialEnded):
            return
        self._ended += 1
        if self._ended in self._at:
            gc.collect()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.resident_bytes.append(pages * os.sysconf("SC_PAGE_SIZE"))
            self.files.append(len(list(Path("/proc/self/fd").iterdir())))
            self.threads.append(threading.active_count())


def run_at_once(
    spec: StudySpec,
    pool: AtOncePool,
    folder: Path,
    watcher: StudyObserver,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Runs a study with the workers in this process and returns how many seconds it took, by that clock."""
    run_dir = RunDir.create(folder / "run")
    store = Store.create(run_dir.store, spec.name)
    observers = {Part.TENSORBOARD: Recorder(run_dir, spec), Part.TERMINAL: watcher}
    driver = Driver(spec, StudyParts(store, Search(spec), pool, Checkpoints(run_dir), observers))
    started = clock()
    driver.run()
    seconds = clock() - started
    store.close()
    return seconds


def measure_rate(mode: str, workers: int, epochs: int) -> float:
    """Runs a study of two trials per worker and returns the measurements per second."""
    spec = noop_study(2 * workers, workers, epochs)
    with tempfile.TemporaryDirectory() as folder:
        if mode == "ray":
            seconds = run_study(spec, workers, 0.0)
        else:
            seconds = run_at_once(spec, AtOncePool(workers), Path(folder), StudyObserver())
    return spec.trials * epochs / seconds


def measure_kept(workers: int, trials: int) -> dict[str, float]:
    """Runs a study and returns what it keeps: bytes per trial, open files and threads, and their growth since early on.

    "Early on" is after the first tenth of the trials, which fills caches.
    """
    footprint = FootprintObserver((trials // 10, trials))
    with tempfile.TemporaryDirectory() as folder:
        run_at_once(noop_study(trials, workers), AtOncePool(workers), Path(folder), footprint)
    first, last = footprint.resident_bytes
    return {
        "bytes_per_trial": (last - first) / (trials - trials // 10),
        "files": footprint.files[1],
        "more_files": footprint.files[1] - footprint.files[0],
        "threads": footprint.threads[1],
        "more_threads": footprint.threads[1] - footprint.threads[0],
    }


def measure_cpu(workers: int, trials: int) -> float:
    """Runs a study whose trials of three epochs measure confusion matrices, and returns CPU milliseconds per trial.

    Includes the workers in this process, which take a hundredth of it.
    """
    spec = noop_study(trials, workers, CPU_EPOCHS)
    with tempfile.TemporaryDirectory() as folder:
        pool = AtOncePool(workers, with_confusion=True)
        return 1000 * run_at_once(spec, pool, Path(folder), StudyObserver(), time.process_time) / trials


def main(mode: str, workers: int, count: int) -> None:
    """Runs one mode and prints what it measures as JSON."""
    measure = {"kept": measure_kept, "cpu": measure_cpu}.get(mode)
    measured = measure_rate(mode, workers, count) if measure is None else measure(workers, count)
    sys.stdout.write(json.dumps(measured))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
