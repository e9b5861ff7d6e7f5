"""A small study and its run directory, for one driver after another with a pool in this process."""

from collections.abc import Callable
from pathlib import Path

from cluster.driver.driver import Driver
from cluster.driver.parts import StudyParts
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.search.search import Search
from cluster.spec.study_spec import StudySpec
from cluster.store.store import Store
from cluster.trial import TrialRecord
from cluster.workers.events import Measured, WorkerEvent
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


class Clock:
    """A clock that moves when it is read, so that waiting takes no time."""

    def __init__(self, step_s: float = 1.0) -> None:
        self.now_s = 0.0
        self.step_s = step_s

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


class Study:
    """A run directory and its store, for one driver after another, as after a restart."""

    def __init__(self, folder: Path, dataset: Dataset, spec: StudySpec) -> None:
        self.run_dir = RunDir.create(folder / "run")
        self.store = Store.create(self.run_dir.store, spec.name)
        self.checkpoints = Checkpoints(self.run_dir)
        self.dataset = dataset
        self.spec = spec

    def driver(self, fault: Fault = no_fault, clock: Callable[[], float] | None = None) -> Driver:
        pool = FaultyPool(self.dataset, fault)
        parts = StudyParts(self.store, Search(self.spec), pool, self.checkpoints)
        return Driver(self.spec, parts, clock or Clock())

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
