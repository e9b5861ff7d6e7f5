"""Small studies with real parts on a pool of the test's choice, and what their stores hold."""

from contextlib import closing
from pathlib import Path

from cluster.driver.driver import Driver
from cluster.driver.parts import StudyParts
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.search.search import Search
from cluster.spec.spec_file import load_spec
from cluster.store.reader import StudyReader
from cluster.store.store import Store
from cluster.trial import TrialRecord, TrialState
from cluster.workers.inline_pool import InlinePool
from cluster.workers.pool import WorkerPool
from cluster.workers.worker import WorkerSettings
from mnist_core.data.dataset import Dataset

SETTINGS = WorkerSettings(holdout=56, seed=0, state_every_s=0.0)

SPEC = """
name: faults
data: {holdout: 56}
model: {kind: mlp, hidden: [16], initializer: xavier}
training: {epochs: 3, batch_size: 50}
search:
  space: {training.learning_rate: {low: 0.01, high: 0.3, log: true}}
  sampler: {kind: random}
trials: 1
"""


def run_study(folder: Path, pool: WorkerPool, *overrides: str) -> RunDir:
    """Runs a study to its end in a new run directory and closes the pool."""
    spec = load_spec(SPEC, overrides)
    run_dir = RunDir.create(folder)
    with closing(Store.create(run_dir.store, spec.name)) as store, closing(pool):
        Driver(spec, StudyParts(store, Search(spec), pool, Checkpoints(run_dir))).run()
    return run_dir


def trials_of(run_dir: RunDir) -> list[TrialRecord]:
    """All trials of a study, after checking that each has one measurement per epoch.

    A trial that is being trained may have more measurements than its record had epochs.
    """
    with StudyReader.open(run_dir.store) as store:
        records = store.trials()
        for record in records:
            epochs = [measurement.epoch for measurement in store.measurements(record.number)]
            assert epochs == list(range(1, max(record.epochs, len(epochs)) + 1))
        return records


def attempts_of(run_dir: RunDir, number: int = 0) -> list[tuple[str, str]]:
    """Outcome and error of each attempt of a trial."""
    return list(zip(attempt_column("outcome", run_dir, number), attempt_column("error", run_dir, number), strict=True))


def attempt_column(column: str, run_dir: RunDir, number: int = 0) -> list[str]:
    """One column of the store's table of attempts, for the attempts of one trial."""
    with StudyReader.open(run_dir.store) as store:
        rows = store.rows(f"SELECT {column} FROM attempts WHERE trial = ? ORDER BY attempt", number)
        return [row[column] or "" for row in rows]


def undisturbed_hashes(folder: Path, dataset: Dataset, *overrides: str) -> list[str | None]:
    """SHA-256 of the final weights of each trial of the same study, run in this process without a fault."""
    run_dir = run_study(folder, InlinePool(dataset, SETTINGS), *overrides)
    assert all(trial.state is TrialState.COMPLETE for trial in trials_of(run_dir))
    return [trial.weights_sha256 for trial in trials_of(run_dir)]
