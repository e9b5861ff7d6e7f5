"""Trials that train nothing, through the driver, the store, the search, TensorBoard and Ray as a study uses them.

Run as a program, `python -m jobs.bench.sides.dispatch TRIALS WORKERS EPOCH_S`; prints milliseconds per trial, from the
moment when all workers are ready.
"""

import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from cluster.checkpoints import Checkpoints
from cluster.driver import Driver
from cluster.events import Ready, WorkerEvent
from cluster.observer import Observers
from cluster.ray_session import ray_session
from cluster.recorder import Recorder
from cluster.run_dir import RunDir
from cluster.search import Search
from cluster.store import Store
from cluster.study_parts import StudyParts
from cluster.study_spec import StudySpec
from jobs.bench.sides.noop import NO_DATA, SETTINGS, NoopWorker, noop_study


def run_study(spec: StudySpec, workers: int, epoch_s: float) -> float:
    """Seconds that the study takes once all its workers are ready."""
    with tempfile.TemporaryDirectory() as folder, ray_session(None, workers):
        from cluster.ray_pool import RayPool
        from cluster.slots import slots_for

        class ReadyTogether(RayPool):
            """Its workers are Ready when all are, so that a short study does not run on the first alone."""

            def __init__(self, workers: int) -> None:
                make_worker = partial(NoopWorker, epoch_s=epoch_s)
                super().__init__(slots_for(spec.workers, workers, 0), NO_DATA, SETTINGS, make_worker=make_worker)
                self._ready: list[WorkerEvent] = []
                while len(self._ready) < workers:
                    event = super().next_event(1.0)
                    if isinstance(event, Ready):
                        self._ready.append(event)

            def next_event(self, timeout_s: float) -> WorkerEvent | None:
                return self._ready.pop() if self._ready else super().next_event(timeout_s)

        pool = ReadyTogether(workers)
        run_dir = RunDir.create(Path(folder) / "run")
        store = Store.create(run_dir.store, spec.name)
        observer = Observers([Recorder(run_dir, spec.search.objective)])
        driver = Driver(spec, StudyParts(store, Search(spec), pool, Checkpoints(run_dir), observer))
        started = time.perf_counter()
        driver.run()
        seconds = time.perf_counter() - started
        pool.close()
        store.close()
    return seconds


if __name__ == "__main__":
    trials, workers, epoch_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    seconds = run_study(noop_study(trials, workers), workers, epoch_s)
    sys.stdout.write(json.dumps(1000 * seconds / trials))
