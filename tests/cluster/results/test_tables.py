"""A study as Parquet, read back as a user's tools read it."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cluster.results.tables import write_tables
from cluster.run_dir.paths import RunDir
from cluster.store.store import Store
from cluster.trial import TrialState
from mnist_core.measurement import Measurement


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.create(tmp_path / "run")


@pytest.fixture
def store(run_dir: RunDir) -> Iterator[Store]:
    store = Store.create(run_dir.store, "tables")
    yield store
    store.close()


def fill(store: Store) -> None:
    """Adds a complete trial of two epochs, one that diverged in its first epoch, and one that waits."""
    for number in range(3):
        store.add_trial(number, "mlp", {"training.learning_rate": 0.1}, seed=2**64 - 1)
    for number, losses in ((0, [0.5, 0.25]), (1, [math.nan])):
        store.start_attempt(number, "cpu-0")
        for epoch, loss in enumerate(losses, start=1):
            store.add_measurement(number, Measurement(epoch, {"val/loss": loss}, float(epoch)), loss)
    store.finish_trial(0, TrialState.COMPLETE, 0.25, "abc")
    store.set_test(0, {"test/accuracy": 0.75})
    store.fail_trial(1, "failed", "diverged")


def test_results_have_one_row_for_each_trial(run_dir: RunDir, store: Store) -> None:
    fill(store)
    write_tables(run_dir, store, store.trials())
    complete, failed, waits = pq.read_table(run_dir.results).to_pylist()
    assert (complete["number"], complete["state"], complete["epochs"], complete["value"]) == (0, "COMPLETE", 2, 0.25)
    assert (complete["val/loss"], complete["test/accuracy"], complete["seed"]) == (0.25, 0.75, 2**64 - 1)
    assert json.loads(complete["params"]) == {"training.learning_rate": 0.1}
    assert (failed["state"], failed["error"], failed["test/accuracy"]) == ("FAIL", "diverged", None)
    assert math.isnan(failed["val/loss"])
    assert (waits["state"], waits["value"], waits["worker"], waits["val/loss"]) == ("WAITING", None, None, None)


def test_metrics_have_one_row_for_each_epoch(run_dir: RunDir, store: Store) -> None:
    fill(store)
    write_tables(run_dir, store, store.trials())
    rows = pq.read_table(run_dir.metrics).to_pylist()
    assert [(row["number"], row["epoch"], row["elapsed_s"]) for row in rows] == [(0, 1, 1.0), (0, 2, 2.0), (1, 1, 1.0)]
    assert [row["val/loss"] for row in rows] == pytest.approx([0.5, 0.25, math.nan], nan_ok=True)


def test_study_without_trials_has_empty_tables(run_dir: RunDir, store: Store) -> None:
    write_tables(run_dir, store, store.trials())
    assert pq.read_table(run_dir.results).num_rows == 0
    assert pq.read_table(run_dir.metrics).num_rows == 0


def test_tables_written_again_replace_the_first_ones(run_dir: RunDir, store: Store) -> None:
    write_tables(run_dir, store, store.trials())
    fill(store)
    write_tables(run_dir, store, store.trials())
    assert pq.read_table(run_dir.results).num_rows == 3
