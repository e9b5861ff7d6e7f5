"""Where a session's time goes: real studies in this process, whose parts must add up, and scripted workers."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from cluster.driver.driver import Driver
from cluster.driver.parts import StudyParts
from cluster.driver.stopwatch import Stopwatch
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.search.search import Search
from cluster.spec.spec_file import load_spec
from cluster.store.store import Store
from cluster.time_spent import DRIVER_PARTS, WORKER_PARTS, Part, TimeSpent
from cluster.trial import TrialSpec, TrialState
from cluster.workers.events import Finished, Measured, Ready, Work, WorkerEvent, WorkerLost
from cluster.workers.inline_pool import InlinePool
from cluster.workers.worker import WorkerSettings
from mnist_core.config import MlpConfig, TrainingConfig
from mnist_core.data.dataset import Dataset
from mnist_core.measurement import Measurement

SPEC = """
name: stopwatch
data: {holdout: 56}
model: {kind: mlp, hidden: [16], initializer: xavier}
training: {epochs: 3, batch_size: 50}
search:
  space: {training.learning_rate: {low: 0.01, high: 0.3, log: true}}
  sampler: {kind: random}
trials: 3
"""
TRIAL = TrialSpec(0, MlpConfig(), TrainingConfig(), seed=0)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class ScriptedPool(InlinePool):
    """Ignores every instruction; reports scripted events, each after a given time on the clock of the test."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.script: list[tuple[float, WorkerEvent | None]] = []

    @override
    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None: ...

    @override
    def advance(self, worker: str) -> None: ...

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        seconds, event = self.script.pop(0)
        self._clock.now_s += seconds
        return event


class Watched:
    """A scripted pool and the stopwatch that accounts for its time."""

    def __init__(self, store: Store) -> None:
        self.clock = Clock()
        self.store = store
        self._scripted = ScriptedPool(self.clock)
        self.stopwatch = Stopwatch(store, self.clock)
        self.pool = self.stopwatch.wrap_pool(self._scripted)

    def report(self, after_s: float, event: WorkerEvent | None) -> None:
        self._scripted.script.append((after_s, event))
        assert self.pool.next_event(9.0) is event

    def pass_time(self, seconds: float) -> None:
        self.clock.now_s += seconds

    def account(self) -> TimeSpent:
        self.stopwatch.write()
        return self.store.times_spent()[-1]


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.create(tmp_path / "run")


@pytest.fixture
def store(run_dir: RunDir) -> Iterator[Store]:
    store = Store.create(run_dir.store, "study")
    yield store
    store.close()


@pytest.fixture
def watched(store: Store) -> Watched:
    return Watched(store)


def measured(worker: str, work: Work) -> Measured:
    return Measured(worker, 0, Measurement(1, {}, 1.0), None, work)


def seconds(spent: TimeSpent) -> dict[str, float]:
    """The workers' parts that are not empty, to the millisecond."""
    return {part: round(each, 3) for part, each in spent.worker_s.items() if round(each, 3)}


def run_study(run_dir: RunDir, store: Store, dataset: Dataset) -> tuple[TimeSpent, float]:
    """Runs a real study in this process; returns its account and its wall time in seconds."""
    spec = load_spec(SPEC)
    start_s = time.perf_counter()
    stopwatch = Stopwatch(store)
    pool = InlinePool(dataset, WorkerSettings(56, 0))
    parts = StudyParts(store, Search(spec), pool, Checkpoints(run_dir))
    Driver(spec, stopwatch.wrap(parts)).run()
    stopwatch.finishing()
    stopwatch.write()
    return store.times_spent()[-1], time.perf_counter() - start_s


def test_parts_of_a_real_study_add_up_to_its_wall_time(run_dir: RunDir, store: Store, small_dataset: Dataset) -> None:
    spent, wall_s = run_study(run_dir, store, small_dataset)
    assert spent.workers == 1
    assert sum(spent.worker_s.values()) == pytest.approx(spent.elapsed_s)
    assert sum(spent.driver_s.values()) == pytest.approx(spent.elapsed_s)
    assert 0 < spent.elapsed_s <= wall_s
    assert set(spent.worker_s) <= set(WORKER_PARTS)
    assert set(spent.driver_s) <= set(DRIVER_PARTS)
    assert min(*spent.worker_s.values(), *spent.driver_s.values()) >= 0
    trained_s = sum(trial.seconds for trial in store.trials())
    assert spent.worker_s[Part.TRAINING] + spent.worker_s[Part.EVALUATION] == pytest.approx(trained_s)
    for part in (Part.OTHER_WORK, Part.DRIVER, Part.TRAINING, Part.EVALUATION):
        assert spent.worker_s[part] > 0
    for part in (Part.STORE, Part.SEARCH, Part.CHECKPOINTS, Part.EVENTS):
        assert spent.driver_s[part] > 0
    assert spent.driver_s[Part.EVENTS] >= trained_s


def test_resumed_study_has_an_account_of_each_session(run_dir: RunDir, store: Store, small_dataset: Dataset) -> None:
    assert run_study(run_dir, store, small_dataset)[0].session == 0
    assert run_study(run_dir, store, small_dataset)[0].session == 1


def test_each_instant_of_a_worker_belongs_to_one_part(watched: Watched) -> None:
    watched.report(2.0, Ready("cpu-0", 1))  # start
    watched.pass_time(0.5)  # the driver proposes
    watched.pool.start("cpu-0", TRIAL)
    watched.report(1.0, measured("cpu-0", Work(0.6, 0.2, 0.1)))  # and 0.1 for messages
    watched.pass_time(0.25)  # the driver decides
    watched.pool.advance("cpu-0")
    watched.report(1.0, Finished("cpu-0", 0, b"", "", Work(other_s=1.0)))
    watched.report(0.2, None)  # no trial is left
    watched.stopwatch.finishing()
    watched.pass_time(3.0)
    spent = watched.account()
    assert seconds(spent) == {
        Part.START: 2.0,
        Part.TRAINING: 0.6,
        Part.EVALUATION: 0.2,
        Part.OTHER_WORK: 1.1,
        Part.MESSAGES: 0.1,
        Part.DRIVER: 0.75,
        Part.IDLE: 0.2,
        Part.FINISH: 3.0,
    }
    assert spent.workers == 1
    assert spent.elapsed_s == pytest.approx(7.95)


def test_epoch_in_progress_or_lost_with_its_worker_counts_as_not_reported(watched: Watched) -> None:
    watched.report(1.0, Ready("cpu-0", 1))
    watched.pool.start("cpu-0", TRIAL)
    watched.pass_time(4.0)
    assert seconds(watched.account()) == {Part.START: 1.0, Part.NOT_REPORTED: 4.0}
    watched.report(1.0, WorkerLost("cpu-0", "killed"))
    watched.pass_time(0.5)
    watched.report(1.5, Ready("cpu-0", 2))
    assert seconds(watched.account()) == {Part.START: 3.0, Part.NOT_REPORTED: 5.0}


def test_worker_that_joins_late_counts_as_starting_until_then(watched: Watched) -> None:
    watched.report(1.0, Ready("cpu-0", 1))
    watched.pool.start("cpu-0", TRIAL)
    watched.report(2.0, Ready("cpu-1", 2))
    spent = watched.account()
    assert (spent.workers, seconds(spent)) == (2, {Part.START: 4.0, Part.NOT_REPORTED: 2.0})
    assert spent.driver_s[Part.START] == pytest.approx(1.0)


def test_session_without_a_worker_counts_as_start_only(watched: Watched) -> None:
    watched.report(0.2, None)
    watched.report(0.3, WorkerLost("cpu-0", "could not start"))
    spent = watched.account()
    assert (spent.workers, spent.worker_s) == (0, {})
    assert {part: round(each, 3) for part, each in spent.driver_s.items() if round(each, 3)} == {Part.START: 0.5}


def test_account_is_written_once_a_second_and_less_often_as_it_grows(watched: Watched) -> None:
    watched.report(0.5, Ready("cpu-0", 1))
    for _ in range(100):
        watched.report(0.1, None)
    assert 9 <= len(watched.store.times_spent()) <= 11
    watched.pass_time(10_000.0)
    watched.report(0.0, None)
    before = len(watched.store.times_spent())
    for _ in range(1_000):
        watched.report(0.2, None)
    assert len(watched.store.times_spent()) == before + 1


def test_timed_part_raises_its_own_exception(watched: Watched) -> None:
    with pytest.raises(ValueError, match="trial 7 is not running"):
        watched.stopwatch.timed(Part.SEARCH, Search(load_spec(SPEC))).tell(7, TrialState.FAIL)
