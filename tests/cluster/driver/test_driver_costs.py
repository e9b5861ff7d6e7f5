"""What a trial costs the driver, by counts that do not depend on the machine: transactions, instructions, files."""

import threading
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from cluster.driver.driver import Driver
from cluster.driver.parts import StudyParts
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.search.search import Search
from cluster.store.reader import StudyReader
from cluster.store.store import Store
from cluster.trial import TrialState
from jobs.bench.programs.noop import noop_study
from jobs.bench.programs.results import AtOncePool, FootprintObserver, run_at_once

TRIALS, WORKERS = 60, 2


class CountingStore(Store):
    """Counts the transactions that it commits."""

    commits = 0

    @override
    def commit(self) -> None:
        self.commits += self.connection.in_transaction
        super().commit()


class CountingCheckpoints(Checkpoints):
    """Counts the checkpoints that it syncs to disk."""

    saves = 0

    @override
    def save(self, number: int, epoch: int, state: bytes) -> None:
        self.saves += 1
        super().save(number, epoch, state)


@dataclass(frozen=True)
class Costs:
    """What a whole study costs the driver."""

    commits: int
    saves: int
    instructions: int


def costs_of(trials: int, epochs: int, workers: int, folder: Path) -> Costs:
    spec = noop_study(trials, workers, epochs)
    run_dir = RunDir.create(folder / "run")
    CountingStore.create(run_dir.store, spec.name).close()
    store = CountingStore.open(run_dir.store)
    assert isinstance(store, CountingStore)
    checkpoints = CountingCheckpoints(run_dir)
    pool = AtOncePool(workers)
    Driver(spec, StudyParts(store, Search(spec), pool, checkpoints)).run()
    assert {trial.state for trial in store.trials()} == {TrialState.COMPLETE}
    store.close()
    return Costs(store.commits, checkpoints.saves, pool.instructions)


def test_trial_of_one_epoch_takes_one_instruction_and_at_most_one_transaction(tmp_path: Path) -> None:
    costs = costs_of(TRIALS, 1, 1, tmp_path)

    assert costs.instructions == TRIALS
    assert costs.commits <= TRIALS + 1  # the end of a trial and the start of the next share one


def test_epoch_takes_one_instruction_and_one_transaction(tmp_path: Path) -> None:
    costs = costs_of(3, 5, 1, tmp_path)

    assert costs.instructions == 15
    assert costs.commits <= 16


def test_simultaneous_events_share_one_transaction(tmp_path: Path) -> None:
    assert costs_of(64, 5, 64, tmp_path).commits <= 6


def test_only_the_best_weights_so_far_are_synced_to_disk(tmp_path: Path) -> None:
    costs = costs_of(TRIALS, 1, 1, tmp_path)

    assert 0 < costs.saves <= TRIALS // 4


def test_open_files_and_threads_do_not_grow_with_the_number_of_trials(tmp_path: Path) -> None:
    footprint = FootprintObserver((20, 200))
    run_at_once(noop_study(200, WORKERS), AtOncePool(WORKERS), tmp_path, footprint)

    assert footprint.files[0] == footprint.files[1]
    assert footprint.threads[0] == footprint.threads[1]
    assert threading.active_count() <= footprint.threads[0]


def test_transaction_is_committed_or_rolled_back_as_one(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "study.db", "whole")
    store.begin()
    store.add_trial(0, "mlp", {}, seed=0)
    store.start_attempt(0, "cpu-0")
    reader = StudyReader.open(tmp_path / "study.db")
    assert reader.trials() == []
    store.roll_back()
    assert store.trials() == []

    store.begin()
    store.add_trial(0, "mlp", {}, seed=0)
    store.start_attempt(0, "cpu-0")
    store.commit()
    assert [trial.state for trial in reader.trials()] == [TrialState.RUNNING]
    reader.close()
    store.close()
