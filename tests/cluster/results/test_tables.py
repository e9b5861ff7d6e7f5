"""A study as Parquet, read back as a user's tools read it."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from cluster.results.tables import write_tables
from cluster.run_dir.paths import RunDir
from cluster.spec.space import Params, ParamValue
from cluster.store.store import Store
from cluster.trial import TrialState
from mnist_core.measurement import Measurement

DOCUMENTED = Path(__file__).parents[3] / "docs" / "results.md"


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


Trial = tuple[str, Params, dict[str, float] | None]


def write_study(path: Path, *trials: Trial) -> RunDir:
    """Writes the tables of a study; each trial has a kind, parameters and its metrics, or none if it failed."""
    run_dir = RunDir.create(path)
    store = Store.create(run_dir.store, "tables")
    for number, (kind, params, metrics) in enumerate(trials):
        store.add_trial(number, kind, params, seed=number)
        store.start_attempt(number, "cpu-0")
        if metrics is None:
            store.fail_trial(number, "failed", "an error")
        else:
            store.add_measurement(number, Measurement(1, metrics, 1.0), metrics["val/loss"])
            store.finish_trial(number, TrialState.COMPLETE, metrics["val/loss"], "abc")
    write_tables(run_dir, store, store.trials())
    store.close()
    return run_dir


RATE = "training.learning_rate"
MLP: Trial = ("mlp", {RATE: 0.1}, {"val/loss": 0.5})
MULTITASK: Trial = ("multitask", {RATE: 1}, {"val/loss": 0.5, "val/parity_accuracy": 0.75})
FAILED: Trial = ("lenet", {RATE: 0.2}, None)


def test_studies_with_different_outcomes_have_the_same_columns(tmp_path: Path) -> None:
    studies = [write_study(tmp_path / trial[0], trial) for trial in (MLP, MULTITASK, FAILED)]
    for table in ("results", "metrics"):
        first, *others = [pq.read_schema(getattr(run_dir, table)) for run_dir in studies]
        assert [first.equals(other) for other in others] == [True, True], table


@pytest.mark.parametrize("trials", [(MLP, FAILED), (FAILED, MLP)])
def test_two_studies_are_read_as_one_dataset(tmp_path: Path, trials: tuple[Trial, ...]) -> None:
    files = [str(write_study(tmp_path / trial[0], trial).results) for trial in trials]
    both = ds.dataset(files).to_table().sort_by("model").to_pylist()
    assert [(row["model"], row["error"], row[RATE]) for row in both] == [
        ("lenet", "an error", 0.2),
        ("mlp", None, 0.1),
    ]


@pytest.mark.parametrize(
    ("field", "value", "cell", "kind"),
    [
        (RATE, 1, 1.0, pa.float64()),
        ("training.batch_size", 50, 50, pa.int64()),
        ("training.optimizer", "adam", "adam", pa.string()),
        ("training.schedule", {"kind": "cosine"}, '{"kind": "cosine"}', pa.string()),
        ("model.hidden", [128, 64], "[128, 64]", pa.string()),
        ("model.hidden", 500, "500", pa.string()),  # LeNet's is one number
        ("model.kind", "lenet", "lenet", pa.string()),
    ],
)
def test_searched_field_has_a_column_of_its_type(
    tmp_path: Path, field: str, value: ParamValue, cell: object, kind: pa.DataType
) -> None:
    table = pq.read_table(write_study(tmp_path / "run", ("mlp", {field: value}, None)).results)
    assert (table.schema.field(field).type, table[field].to_pylist()) == (kind, [cell])
    assert json.loads(table["params"][0].as_py()) == {field: value}


def test_searched_whole_model_does_not_hide_the_kind(tmp_path: Path) -> None:
    (row,) = pq.read_table(write_study(tmp_path / "run", ("mlp", {"model": {"kind": "mlp"}}, None)).results).to_pylist()
    assert (row["model"], row["params.model"]) == ("mlp", '{"kind": "mlp"}')


def test_metric_of_another_version_has_a_column(tmp_path: Path) -> None:
    run_dir = write_study(tmp_path / "run", ("mlp", {}, {"val/loss": 0.5, "val/f1": 0.25}))
    assert pq.read_table(run_dir.results)["val/f1"].to_pylist() == [0.25]
    assert pq.read_table(run_dir.metrics)["val/f1"].to_pylist() == [0.25]


def test_every_column_is_documented(tmp_path: Path) -> None:
    run_dir = write_study(tmp_path / "run", ("mlp", {}, None))
    text = DOCUMENTED.read_text()
    for table in (run_dir.results, run_dir.metrics):
        assert [name for name in pq.read_schema(table).names if f"`{name}`" not in text] == []
