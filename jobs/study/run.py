"""Runs a study in a run directory, from the first trial to the leaderboard, and takes one up again."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from types import FrameType

from cluster.driver.driver import Driver
from cluster.driver.observer import Observers, StudyObserver
from cluster.driver.parts import StudyParts
from cluster.driver.stopwatch import Stopwatch
from cluster.results.summary import StudySummary, read_summary
from cluster.results.tables import write_tables
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.environment import (
    check_data_unchanged,
    present_environment,
    recorded_environment,
    sync_environment,
    write_environment,
)
from cluster.run_dir.paths import RunDir, check_path_is_free
from cluster.search.search import Search
from cluster.spec.spec_file import dump_spec
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from cluster.tensorboard.recorder import Recorder
from cluster.time_spent import CHECKPOINTS, SEARCH, STORE, TENSORBOARD, TERMINAL
from jobs.study.backend import Backend, open_pool
from mnist_core.atomic_file import write_atomically
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.dataset import Dataset, split
from mnist_core.data.idx_folder import BUNDLED
from mnist_core.errors import MxtrialsError, SpecError

INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class StudyResult:
    """How a study ended. warning: what a user should know although the study is whole, in one sentence."""

    summary: StudySummary
    warning: str | None = None


def start_study(spec: StudySpec, out: Path, backend: Backend, view: StudyObserver) -> StudyResult:
    """Runs a new study in a new run directory.

    Raises:
        MxtrialsError: it could not begin, in which case no run directory is left, or could not go on.
        KeyboardInterrupt: it was interrupted before its first trial, which leaves nothing, or twice.
    """
    spec = _with_absolute_source(spec)
    check_path_is_free(out)
    dataset = _open_data(spec)
    with RunDir.create_atomically(out) as hidden:
        write_atomically(hidden.spec, dump_spec(spec).encode())
        environment = present_environment(dataset)
        write_environment(hidden, environment)
        Store.create(hidden.store, spec.name, environment).close()
    run_dir, holds_nothing = RunDir(out), False
    with run_dir.locked():
        try:
            with _closing(Store.open(run_dir.store)) as store:
                try:
                    warning = _run_driver(run_dir, spec, store, dataset, backend, view)
                except BaseException:
                    holds_nothing = not _may_have_begun(store)
                    raise
        except (MxtrialsError, OSError, MemoryError, KeyboardInterrupt):
            if holds_nothing:  # never in doubt, such as where an interruption came while this was asked
                run_dir.remove()
            raise
    return StudyResult(read_summary(run_dir), warning)


def resume_study(run_dir: RunDir, spec: StudySpec, backend: Backend, view: StudyObserver) -> StudyResult:
    """Goes on with a study where its store left it; `spec` may ask for more trials than before.

    Raises:
        MxtrialsError: it cannot go on; what was done is kept.
        KeyboardInterrupt: it was interrupted twice, or before it went on.
    """
    dataset = _open_data(spec)
    with run_dir.locked(), _closing(Store.open(run_dir.store)) as store:
        _check_that_it_can_go_on(run_dir, spec, store, dataset)
        run_dir.clear_leftovers()
        write_atomically(run_dir.spec, dump_spec(spec).encode())
        sync_environment(run_dir, store, dataset, view.warned)
        warning = _run_driver(run_dir, spec, store, dataset, backend, view)
    return StudyResult(read_summary(run_dir), warning)


def _may_have_begun(store: Store) -> bool:
    """Whether there is a trial to go on with, or the store can no longer tell."""
    try:
        return bool(store.trials())
    except MxtrialsError:
        return True


def _check_that_it_can_go_on(run_dir: RunDir, spec: StudySpec, store: Store, dataset: Dataset) -> None:
    begun = len(store.trials())
    if spec.trials < begun:
        raise SpecError(f"trials is {spec.trials}, but {run_dir.path} has begun {begun}: ask for as many or more")
    check_data_unchanged(recorded_environment(run_dir, store), spec.data.source, dataset)


def _run_driver(
    run_dir: RunDir, spec: StudySpec, store: Store, dataset: Dataset, backend: Backend, view: StudyObserver
) -> str | None:
    stopwatch = Stopwatch(store)
    store.set_study("running")
    recorder = Recorder(run_dir, spec.search.objective)
    recorder.first_images(dataset.train.images[:10], dataset.train.labels[:10])
    _rebuild_view(store, recorder)
    with open_pool(spec, dataset, backend) as pool:
        parts = StudyParts(
            stopwatch.timed(STORE, store),
            stopwatch.timed(SEARCH, Search(spec)),
            stopwatch.timed_pool(pool),
            stopwatch.timed(CHECKPOINTS, Checkpoints(run_dir, view.warned)),
            Observers([stopwatch.timed(TENSORBOARD, recorder), stopwatch.timed(TERMINAL, view)]),
        )
        reason = _run_until_told_to_stop(Driver(spec, parts))
        stopwatch.finishing()
        if reason != INTERRUPTED:
            Thread(target=_load_finish).start()  # MXNet comes while Ray goes
    if reason == INTERRUPTED:
        write_tables(run_dir, store)
    else:
        from jobs.study.finish import finish_study

        finish_study(run_dir, store, dataset, recorder, view.warned)
    store.set_study("interrupted" if reason == INTERRUPTED else "complete", reason)
    recorder.close()
    stopwatch.write()
    return recorder.problem


def _load_finish() -> None:
    """Where this fails, the import that it anticipates tells why."""
    with suppress(Exception):
        import_module("jobs.study.finish")


def _run_until_told_to_stop(driver: Driver) -> str | None:
    """The first Ctrl-C or SIGTERM lets the running epochs end and saves; the second leaves at once, and loses them."""

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        driver.request_stop(INTERRUPTED)
        for number in before:
            signal.signal(number, signal.default_int_handler)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for number in before:
            signal.signal(number, stop)
        return driver.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _open_data(spec: StudySpec) -> Dataset:
    """The study's data; a hold-out that does not fit it is refused before anything begins."""
    dataset = open_dataset(spec.data.source, cache_dir=default_cache_dir())
    split(dataset, spec.data.holdout, spec.seed)
    return dataset


def _with_absolute_source(spec: StudySpec) -> StudySpec:
    """The spec as it is recorded: its data is found from any folder."""
    if spec.data.source == BUNDLED:
        return spec
    source = str(Path(spec.data.source).expanduser().absolute())
    return spec.model_copy(update={"data": spec.data.model_copy(update={"source": source})})


def _rebuild_view(store: Store, recorder: Recorder) -> None:
    """Writes TensorBoard's files anew of each trial that goes on, or whose files an earlier driver left unfinished."""
    for trial in store.trials():
        state = trial.state if trial.state.is_finished() else None
        if state is None or not recorder.is_complete(trial.number):
            recorder.rebuild(trial.number, trial.model, trial.params, store.measurements(trial.number), state)


@contextmanager
def _closing(store: Store) -> Iterator[Store]:
    try:
        yield store
    finally:
        store.close()
