"""A small study and its run directory, for one driver after another with a pool in this process."""

from collections.abc import Callable
from pathlib import Path

from typing_extensions import override

from cluster.driver.driver import Driver
from cluster.driver.observer import StudyEvent, StudyObserver
from cluster.driver.parts import StudyParts
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.search.search import Search
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from cluster.time_spent import Part
from cluster.trial import TrialRecord, TrialSpec
from cluster.workers.events import Measured, WorkerEvent
from cluster.workers.pool import WorkerPool
from mnist_core.data.dataset import Dataset
from tests.cluster.driver.faulty_pool import Fault, FaultyPool, no_fault

SPEC = """
name: driver
data: {holdout: 56}
model: {kind: mlp, hidden: [16], initializer: xavier}
training: {epochs: 3, batch_size: 50}
search:
  space: {training.learning_rate: {low: 0.01, high: 0.3, log: true}}
  sampler: {kind: random}
trials: 3
"""
SPEC_TRIALS = 3
TURN_S = 0.5  # of a LatePool


class Clock:
    """A clock that moves when it is read, so that waiting takes no time."""

    def __init__(self, step_s: float = 1.0) -> None:
        self.now_s = 0.0
        self.step_s = step_s

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


class LatePool(FaultyPool):
    """Moves a clock: each epoch takes some turns of the driver, in which there is no event, and so does an idle turn.

    Attributes:
        started: the trials that were started, in order.
        started_s: when, by the clock.
    """

    def __init__(
        self, dataset: Dataset, clock: Clock, turns: Callable[[WorkerEvent], int], fault: Fault = no_fault
    ) -> None:
        """turns: of an event's epoch; each takes TURN_S."""
        super().__init__(dataset, fault)
        self._clock = clock
        self._turns = turns
        self._late: WorkerEvent | None = None
        self._left = 0
        self.started: list[TrialSpec] = []
        self.started_s: list[float] = []

    @override
    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        self.started.append(trial)
        self.started_s.append(self._clock.now_s)
        super().start(worker, trial, fresh=fresh)

    @override
    def kill(self, worker: str, cause: str) -> None:
        self._late = None
        super().kill(worker, cause)

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        if self._late is None:
            self._late = super().next_event(timeout_s)
            self._left = 0 if self._late is None else self._turns(self._late)
        if self._late is None or self._left > 0:
            self._left -= 1
            self._clock.now_s += TURN_S
            return None
        event, self._late = self._late, None
        return event


class Listener(StudyObserver):
    """Keeps the events of a study, in order."""

    def __init__(self) -> None:
        self.heard: list[StudyEvent] = []

    @override
    def notify(self, event: StudyEvent) -> None:
        self.heard.append(event)


class Study:
    """A run directory and its store, for one driver after another, as after a restart.

    Attributes:
        listener: an observer of all its drivers.
    """

    def __init__(self, folder: Path, dataset: Dataset, spec: StudySpec) -> None:
        self.run_dir = RunDir.create(folder / "run")
        self.store = Store.create(self.run_dir.store, spec.name)
        self.checkpoints = Checkpoints(self.run_dir)
        self.dataset = dataset
        self.spec = spec
        self.listener = Listener()

    def driver_of(self, pool: WorkerPool, clock: Callable[[], float]) -> Driver:
        observers = {Part.TERMINAL: self.listener}
        return Driver(self.spec, StudyParts(self.store, Search(self.spec), pool, self.checkpoints, observers), clock)

    def driver(self, fault: Fault = no_fault, clock: Callable[[], float] | None = None) -> Driver:
        return self.driver_of(FaultyPool(self.dataset, fault), clock or Clock())

    def trials(self) -> list[TrialRecord]:
        return self.store.trials()

    def states(self) -> list[str]:
        return [trial.state.value for trial in self.trials()]


def run_until_measured(study: Study, count: int) -> str | None:
    """Runs a new driver and asks it to stop after this many measurements."""
    seen: list[WorkerEvent] = []

    def fault(event: WorkerEvent) -> None:
        seen.append(event)
        if sum(isinstance(each, Measured) for each in seen) == count:
            driver.request_stop("enough")

    driver = study.driver(fault)
    return driver.run()
