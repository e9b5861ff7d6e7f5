"""Trials that train nothing, through the driver, the store, the search, TensorBoard and Ray as a study uses them.

Run as `python -m jobs.bench.programs.dispatch study|pool TRIALS WORKERS EPOCH_S`; prints milliseconds per trial, from
the moment when all workers are ready. `pool` uses Ray alone.
"""

import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from cluster.driver.driver import Driver
from cluster.driver.parts import StudyParts
from cluster.driver.stopwatch import Stopwatch
from cluster.ray_backend.session import ray_session
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.search.search import Search
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from cluster.tensorboard.recorder import Recorder
from cluster.time_spent import Part
from cluster.trial import TrialSpec
from cluster.workers.events import Finished, Ready
from cluster.workers.pool import WorkerPool
from jobs.bench.programs.noop import NO_DATA, SETTINGS, NoopWorker, noop_study


def run_study(spec: StudySpec, workers: int, epoch_s: float) -> float:
    """Runs a study and returns the seconds that it takes once all its workers are ready."""
    with tempfile.TemporaryDirectory() as folder, ray_session(None, workers):
        pool = _open_ready_pool(workers, epoch_s)
        run_dir = RunDir.create(Path(folder) / "run")
        store = Store.create(run_dir.store, spec.name)
        stopwatch = Stopwatch(store)
        observers = {Part.TENSORBOARD: Recorder(run_dir, spec)}
        parts = StudyParts(store, Search(spec), pool, Checkpoints(run_dir), observers)
        driver = Driver(spec, stopwatch.wrap(parts))
        started = time.perf_counter()
        driver.run()
        seconds = time.perf_counter() - started
        pool.close()
        store.close()
    return seconds


def run_pool(trials: int, workers: int) -> float:
    """Runs trials without driver, search, store and TensorBoard; returns the seconds, i.e. the cost of Ray alone."""
    with ray_session(None, workers):
        pool = _open_ready_pool(workers, 0.0)
        trial = TrialSpec.resolve(noop_study(trials, workers), 0, {})
        ended = 0
        started = time.perf_counter()
        while ended < trials:
            event = pool.next_event(1.0)
            ended += isinstance(event, Finished)
            if isinstance(event, Ready | Finished):
                pool.start(event.worker, trial)
        seconds = time.perf_counter() - started
        pool.close()
    return seconds


def _open_ready_pool(workers: int, epoch_s: float) -> WorkerPool:
    """Starts workers and waits until all are ready, so that a short study does not run on the first one alone."""
    from jobs.bench.ready_together import ReadyTogether  # imports Ray, after `ray_session` has set its environment

    return ReadyTogether(workers, NO_DATA, SETTINGS, partial(NoopWorker, epoch_s=epoch_s))


if __name__ == "__main__":
    mode, trials, workers, epoch_s = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    spec = noop_study(trials, workers)
    seconds = run_pool(trials, workers) if mode == "pool" else run_study(spec, workers, epoch_s)
    sys.stdout.write(json.dumps(1000 * seconds / trials))
