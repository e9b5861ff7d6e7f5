"""Starts or resumes a study in a run directory, and runs it to its results."""

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from threading import Thread
from types import FrameType

from cluster.driver.driver import Driver
from cluster.driver.observer import StudyObserver, StudyOpened, StudyWarning
from cluster.driver.parts import StudyParts
from cluster.driver.stopwatch import Stopwatch
from cluster.results.summary import StudySummary, summarize
from cluster.results.tables import write_tables
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.creation import check_path_is_free, create_atomically
from cluster.run_dir.environment import (
    check_data_unchanged,
    present_environment,
    recorded_environment,
    sync_environment,
    write_environment,
)
from cluster.run_dir.paths import RunDir
from cluster.run_dir.progress_folder import progress_folder
from cluster.run_dir.recorded_spec import check_spec_unchanged, sync_spec
from cluster.run_dir.shell import shell_command
from cluster.search.search import Search
from cluster.spec.spec_file import dump_spec
from cluster.spec.study_spec import StudySpec
from cluster.store.rows import StudyState
from cluster.store.store import Store
from cluster.tensorboard.hparams import TrialEnd
from cluster.tensorboard.recorder import Recorder
from cluster.tensorboard.study_page import EndedTrial
from cluster.time_spent import Part
from jobs.stop_signals import ignore_hangups, install_handler, restore_handlers, stop_signals
from jobs.study.backend import Backend, open_pool
from jobs.study.session import StudySession
from mnist_core.atomic_file import write_atomically
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.dataset import Dataset, find_unusual_pixels, split
from mnist_core.data.idx_folder import BUNDLED
from mnist_core.errors import DataError, MxtrialsError, SpecError

INTERRUPTED = "interrupted"
HUNG_UP = "interrupted by SIGHUP"


@dataclass(frozen=True)
class StudyResult:
    """How a study ended. warning: a problem that did not harm the study, in one sentence."""

    summary: StudySummary
    warning: str | None = None


RunSession = Callable[[StudySession, Backend, StudyObserver], StudyResult]
"""Runs a study whose run directory is prepared: see `run_session`."""


def run_session(session: StudySession, backend: Backend, view: StudyObserver) -> StudyResult:
    """Runs the remaining trials of a study, then scores the best ones and writes the results.

    Raises:
        MxtrialsError: the study cannot continue.
    """
    store = session.store
    stopwatch = Stopwatch(store)
    store.set_study("running")
    view.notify(StudyOpened(session.run_dir.path, backend.local))
    if (warning := find_unusual_pixels(session.dataset)) is not None:
        session.warn(warning)
    _rebuild_tensorboard(session)
    with (
        progress_folder(session.run_dir) as progress,
        open_pool(session.spec, session.dataset, backend, progress) as pool,
    ):
        observers = {Part.TENSORBOARD: session.recorder, Part.TERMINAL: view}
        checkpoints = Checkpoints(session.run_dir, session.warn)
        parts = StudyParts(store, Search(session.spec), pool, checkpoints, observers)
        reason = _run_until_interrupted(Driver(session.spec, stopwatch.wrap(parts)))
        stopwatch.finishing()
        if not _is_interruption(reason):
            Thread(target=_preload_finish).start()  # imports MXNet while Ray shuts down
    summary = _finish(session, reason)
    state: StudyState = "interrupted" if _is_interruption(reason) else "complete"
    store.set_study(state, reason)
    session.recorder.close()
    stopwatch.write()
    _write_report(session)
    return StudyResult(replace(summary, state=state, reason=reason), session.recorder.problem)


def start_study(
    spec: StudySpec, out: Path, backend: Backend, view: StudyObserver, run: RunSession = run_session
) -> StudyResult:
    """Runs a new study in a new run directory, or in an empty folder, which then stays even if the study cannot start.

    Raises:
        MxtrialsError: the study could not start (then no run directory is left) or could not continue.
        KeyboardInterrupt: it was interrupted twice, or before its first trial (then no run directory is left).
    """
    spec = _with_absolute_source(spec)
    check_path_is_free(out)
    existed = out.is_dir()
    dataset = _open_data(spec)
    is_empty = False
    with ExitStack() as lock:
        with create_atomically(out, lock) as hidden:
            write_atomically(hidden.spec, dump_spec(spec).encode())
            environment = present_environment(dataset)
            write_environment(hidden, environment)
            Store.create(hidden.store, spec.name, environment, dump_spec(spec)).close()
        run_dir = RunDir(out)
        try:
            with Store.open(run_dir.store) as store:
                try:
                    return run(_session(run_dir, spec, store, dataset, view), backend, view)
                except BaseException:
                    is_empty = not _may_have_trials(store)
                    raise
        except (MxtrialsError, OSError, MemoryError, KeyboardInterrupt):
            if is_empty:  # stays False if an interrupt came before the check was complete
                run_dir.clear() if existed else run_dir.remove()
            raise


def resume_study(run_dir: RunDir, spec: StudySpec, backend: Backend, view: StudyObserver) -> StudyResult:
    """Continues a study from its store; `spec` may ask for more trials than before.

    Raises:
        MxtrialsError: the study cannot continue; everything done so far is kept.
        KeyboardInterrupt: it was interrupted twice, or before it continued.
    """
    dataset = open_dataset(spec.data.source, cache_dir=default_cache_dir())
    with run_dir.lock(), Store.open(run_dir.store) as store:
        _check_resumable(run_dir, spec, store, dataset)
        run_dir.clear_leftovers()
        session = _session(run_dir, spec, store, dataset, view)
        sync_spec(run_dir, spec, store, session.warn)
        write_atomically(run_dir.spec, dump_spec(spec).encode())
        sync_environment(run_dir, store, dataset, session.warn)
        return run_session(session, backend, view)


def _session(run_dir: RunDir, spec: StudySpec, store: Store, dataset: Dataset, view: StudyObserver) -> StudySession:
    recorder = Recorder(run_dir, spec)
    return StudySession(run_dir, spec, store, dataset, recorder, lambda message: view.notify(StudyWarning(message)))


def _may_have_trials(store: Store) -> bool:
    """Returns whether there is a trial to resume, or the store can no longer tell."""
    try:
        return bool(store.trials())
    except MxtrialsError:
        return True


def _check_resumable(run_dir: RunDir, spec: StudySpec, store: Store, dataset: Dataset) -> None:
    check_spec_unchanged(run_dir, spec, store)
    started = len(store.trials())
    if spec.trials < started:
        message = f"trials is {spec.trials}, but {run_dir.path} has started {started}: ask for at least that many"
        raise SpecError(message)
    check_data_unchanged(recorded_environment(run_dir, store), spec.data.source, dataset)
    split(dataset, spec.data.holdout, spec.seed)


def _finish(session: StudySession, reason: str | None) -> StudySummary:
    if not _is_interruption(reason):
        from jobs.study.finish import finish_study  # imports MXNet

        return finish_study(session)
    summary = summarize(session.spec, session.store)
    write_tables(session.run_dir, session.store, summary.trials)
    return summary


def _write_report(session: StudySession) -> None:
    """Writes the report of a study that has ended; whatever prevents that becomes a warning."""
    try:
        # Imported late: what draws pages is no part of running a study.
        from jobs.report.page import write_report

        write_report(session.run_dir, is_over=True)
    # The study is over and saved: no error in a page about it may turn it into a failure. Ctrl-C only stops the page.
    except (Exception, KeyboardInterrupt) as err:  # noqa: BLE001
        cause = "interrupted" if isinstance(err, KeyboardInterrupt) else str(err) or type(err).__name__
        again = shell_command("mxtrials", "report", session.run_dir.path)
        session.warn(f"the report was not written ({cause}): write it with `{again}`")


def _preload_finish() -> None:
    """Imports what the finish needs. Ignores errors, because the finish's own import will raise them again."""
    with suppress(Exception):
        import_module("jobs.study.finish")
        import_module("jobs.report.vega_bundle").vega_javascript()  # takes seconds, once on each machine


def _run_until_interrupted(driver: Driver) -> str | None:
    """Runs the driver; the first stop signal finishes the current epochs and saves, the second quits at once.

    SIGHUP is never the second. A logout sends it together with SIGTERM, which Python handles after it.
    """

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        hangs_up = signum == signal.SIGHUP
        for number in (signal.SIGINT,) if hangs_up else (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        ignore_hangups()
        driver.request_stop(HUNG_UP if hangs_up else INTERRUPTED)

    before = install_handler(stop, stop_signals())
    try:
        return driver.run()
    finally:
        restore_handlers(before)


def _is_interruption(reason: str | None) -> bool:
    return reason in (INTERRUPTED, HUNG_UP)


def _open_data(spec: StudySpec) -> Dataset:
    """Opens the study's data, and rejects a hold-out that does not fit it, before anything starts."""
    dataset = open_dataset(spec.data.source, cache_dir=default_cache_dir())
    split(dataset, spec.data.holdout, spec.seed)
    return dataset


def _with_absolute_source(spec: StudySpec) -> StudySpec:
    """Returns the spec to record, whose data can be found from any folder.

    Raises:
        DataError: the source is in a folder that cannot be found, or that a file in UTF-8 cannot name.
    """
    if spec.data.source == BUNDLED:
        return spec
    try:
        source = str(Path(spec.data.source).expanduser().absolute())
    except (OSError, RuntimeError) as err:
        where = f"data folder {spec.data.source} cannot be found"
        raise DataError(f"{where} ({getattr(err, 'strerror', None) or err}): give its absolute path") from err
    try:
        source.encode()
    except UnicodeEncodeError as err:
        raise DataError(f"data folder {source} has a name that is not UTF-8: rename it, or use a link to it") from err
    return spec.model_copy(update={"data": spec.data.model_copy(update={"source": source})})


def _rebuild_tensorboard(session: StudySession) -> None:
    """Starts the run `study`, and rebuilds each trial that will continue, or whose files are incomplete."""
    store, recorder, images = session.store, session.recorder, session.dataset.train
    trials = [(record, record.resolve(session.spec)) for record in store.trials()]
    recorder.delete_others(trial for _, trial in trials)
    recorder.study.open(images.images, images.labels)
    ended = []
    for record, trial in trials:
        state = record.state if record.state.is_finished() else None
        if state is None or not recorder.is_complete(trial):
            recorder.rebuild(trial, store.measurements(record.number), state)
        if state is not None:
            end = TrialEnd(state, record.value, record.epochs, record.seconds)
            ended_at = store.attempts(record.number)[-1].ended_at or time.time()
            ended.append(EndedTrial(record.number, record.model, recorder.folder(trial).name, end, ended_at))
    for each in sorted(ended, key=lambda each: each.ended_at):
        recorder.study.add(each)
