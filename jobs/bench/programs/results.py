"""How fast the driver takes measurements in, with store and TensorBoard, and what it keeps of trials that are finished.

Run as a program, `python -m jobs.bench.programs.results`:
    at-once WORKERS EPOCHS  measurements per second, of workers in this process whose events are all there at once
    ray WORKERS EPOCHS      the same of Ray actors
    kept WORKERS TRIALS     a list of pairs: bytes that each trial after the first tenth keeps, open files, threads
"""

import gc
import json
import os
import sys
import tempfile
import threading
import time
from collections import deque
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
from jobs.bench.programs.dispatch import run_study
from jobs.bench.programs.noop import NO_DATA, SETTINGS, NoopWorker, noop_study


class AtOncePool:
    """See WorkerPool. All its workers report at the same time, again and again."""

    def __init__(self, workers: int) -> None:
        """So many workers, Ready."""
        names = [f"cpu-{index}" for index in range(workers)]
        self._workers = {name: NoopWorker(name, "cpu", NO_DATA, SETTINGS) for name in names}
        self._now: deque[WorkerEvent] = deque(Ready(name, os.getpid()) for name in names)
        self._next: deque[WorkerEvent] = deque()
        self.instructions = 0

    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        """See WorkerPool; these are always as fresh as they ever were."""
        self._happens(self._workers[worker].start(trial))

    def advance(self, worker: str) -> None:
        """See WorkerPool."""
        self._happens(self._workers[worker].advance())

    def suspend(self, worker: str) -> None:
        """See WorkerPool."""
        self._happens(self._workers[worker].suspend())

    def kill(self, worker: str, cause: str) -> None:
        """See WorkerPool; these never hang."""

    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        """See WorkerPool."""
        del timeout_s
        if not self._now:
            self._now, self._next = self._next, self._now
        return self._now.popleft() if self._now else None

    @property
    def has_event(self) -> bool:
        """See WorkerPool."""
        return bool(self._now)

    def close(self) -> None:
        """See WorkerPool."""

    def _happens(self, event: WorkerEvent) -> None:
        self.instructions += 1
        self._next.append(event)


class Footprint(StudyObserver):
    """Looks at this process when some trials have ended."""

    def __init__(self, at: tuple[int, ...]) -> None:
        """at: after how many."""
        self.resident_bytes: list[int] = []
        self.files: list[int] = []
        self.threads: list[int] = []
        self._at, self._ended = at, 0

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


def run_at_once(spec: StudySpec, pool: AtOncePool, folder: Path, watcher: StudyObserver) -> float:
    """Seconds that the study takes."""
    run_dir = RunDir.create(folder / "run")
    store = Store.create(run_dir.store, spec.name)
    observers = {Part.TENSORBOARD: Recorder(run_dir, spec.search.objective), Part.TERMINAL: watcher}
    driver = Driver(spec, StudyParts(store, Search(spec), pool, Checkpoints(run_dir), observers))
    started = time.perf_counter()
    driver.run()
    seconds = time.perf_counter() - started
    store.close()
    return seconds


def measurements_per_s(place: str, workers: int, epochs: int) -> float:
    """Each worker trains two trials."""
    spec = noop_study(2 * workers, workers, epochs)
    with tempfile.TemporaryDirectory() as folder:
        if place == "ray":
            seconds = run_study(spec, workers, 0.0)
        else:
            seconds = run_at_once(spec, AtOncePool(workers), Path(folder), StudyObserver())
    return spec.trials * epochs / seconds


def kept(workers: int, trials: int) -> dict[str, float]:
    """What one trial leaves in this process, from the first tenth of all trials to the last."""
    footprint = Footprint((trials // 10, trials))
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


if __name__ == "__main__":
    how, workers, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    found = kept(workers, count) if how == "kept" else measurements_per_s(how, workers, count)
    sys.stdout.write(json.dumps(found))
