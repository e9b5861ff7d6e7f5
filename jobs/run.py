"""Runs a study in a run directory, from the first trial to the leaderboard, and takes one up again."""

import json
import os
import platform
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType

from cluster.checkpoints import Checkpoints
from cluster.driver import Driver, StudyParts
from cluster.observer import Observers, StudyObserver
from cluster.pool import WorkerPool
from cluster.recorder import Recorder
from cluster.run_dir import RunDir
from cluster.search import Search
from cluster.spec_file import dump_spec
from cluster.store import Store
from cluster.study_spec import StudySpec, WorkersSpec
from cluster.summary import StudySummary, read_summary
from cluster.worker import WorkerSettings
from jobs.finish import finish_study
from mnist_core.atomic_file import write_atomically
from mnist_core.cache import default_cache_dir, open_dataset
from mnist_core.dataset import Dataset, split
from mnist_core.errors import MxtrialsError

INTERRUPTED = "interrupted"

_RECORDED_PACKAGES = ("mxtrials", "mxnet", "numpy", "ray", "pyarrow", "optuna", "tensorboardX")


@dataclass(frozen=True)
class Place:
    """Where trials run: in this process, on the Ray cluster at an address, or on one started for the study."""

    local: bool = False
    address: str | None = None

    @property
    def opening(self) -> str:
        """What is going on there until the first worker is ready."""
        if self.local:
            return "loading MXNet"
        return f"joining Ray at {self.address}" if self.address else "starting Ray"


def start_study(spec: StudySpec, out: Path, place: Place, view: StudyObserver) -> StudySummary:
    """Runs a new study in a new run directory.

    Raises:
        MxtrialsError: it could not begin, in which case no run directory is left, or could not go on.
    """
    dataset = _open_data(spec)
    run_dir = RunDir.create(out)
    with run_dir.locked():
        write_atomically(run_dir.spec, dump_spec(spec).encode())
        write_atomically(run_dir.environment, json.dumps(_environment(dataset), indent=2).encode())
        with _closing(Store.create(run_dir.store, spec.name)) as store:
            try:
                _drive(run_dir, spec, store, dataset, place, view)
            except MxtrialsError:
                if not store.trials():
                    run_dir.remove()
                raise
    return read_summary(run_dir)


def resume_study(run_dir: RunDir, spec: StudySpec, place: Place, view: StudyObserver) -> StudySummary:
    """Goes on with a study where its store left it; `spec` may ask for more trials than before.

    Raises:
        MxtrialsError: it cannot go on; what was done is kept.
    """
    dataset = _open_data(spec)
    with run_dir.locked(), _closing(Store.open(run_dir.store)) as store:
        write_atomically(run_dir.spec, dump_spec(spec).encode())
        _drive(run_dir, spec, store, dataset, place, view)
    return read_summary(run_dir)


def _drive(run_dir: RunDir, spec: StudySpec, store: Store, dataset: Dataset, place: Place, view: StudyObserver) -> None:
    store.set_study("running")
    recorder = Recorder(run_dir, spec.search.objective)
    with ExitStack() as stack:
        stack.callback(recorder.close)
        recorder.first_images(dataset.train.images[:10], dataset.train.labels[:10])
        _rebuild_unfinished(store, recorder)
        with _pool(spec, dataset, place) as pool:
            observer = Observers([recorder, view])
            parts = StudyParts(store, Search(spec), pool, Checkpoints(run_dir), observer)
            reason = _run_until_told_to_stop(Driver(spec, parts))
        store.set_study("interrupted" if reason == INTERRUPTED else "complete", reason)
        finish_study(run_dir, store, dataset, recorder)


def _run_until_told_to_stop(driver: Driver) -> str | None:
    """The first Ctrl-C lets the running epochs end and saves; the second leaves at once, and loses those epochs."""

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        driver.request_stop(INTERRUPTED)
        signal.signal(signum, signal.default_int_handler)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return driver.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _pool(spec: StudySpec, dataset: Dataset, place: Place) -> Iterator[WorkerPool]:
    settings = WorkerSettings(spec.data.holdout, spec.seed)
    with ExitStack() as stack:
        pool: WorkerPool
        if place.local:
            from cluster.inline_pool import InlinePool

            pool = InlinePool(dataset, settings)
        else:
            from cluster.ray_session import cluster_size, ray_session

            stack.enter_context(ray_session(place.address, _wanted_cpus(spec.workers)))
            from cluster.ray_pool import RayPool, slots_for

            pool = RayPool(slots_for(spec.workers, *cluster_size()), dataset, settings)
        stack.callback(pool.close)
        yield pool


def _wanted_cpus(workers: WorkersSpec) -> int | None:
    """How many CPUs a cluster started for the study offers: one a worker; None lets Ray count the cores."""
    if workers.cpu == "auto":
        return None
    return workers.cpu + (workers.gpu if workers.gpu != "auto" else 0)


def _open_data(spec: StudySpec) -> Dataset:
    """The study's data; a hold-out that does not fit it is refused before anything begins."""
    dataset = open_dataset(spec.data.source, cache_dir=default_cache_dir())
    split(dataset, spec.data.holdout, spec.seed)
    return dataset


def _rebuild_unfinished(store: Store, recorder: Recorder) -> None:
    for trial in store.trials():
        if not trial.state.is_finished():
            recorder.rebuild(trial.number, trial.model, trial.params, store.measurements(trial.number), None, None)


def _environment(dataset: Dataset) -> dict[str, object]:
    return {
        "packages": {name: _version(name) for name in _RECORDED_PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cores": len(os.sched_getaffinity(0)),
        "git_commit": _git_commit(),
        "data_fingerprint": dataset.fingerprint,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """The commit of the working directory, where it is a git checkout."""
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


@contextmanager
def _closing(store: Store) -> Iterator[Store]:
    try:
        yield store
    finally:
        store.close()
