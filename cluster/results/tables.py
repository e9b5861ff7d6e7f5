"""Writes a study as tables, one row per trial and one row per epoch, for pandas and similar tools."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from cluster.results.columns import Columns, epoch_columns, param_cell, param_column, trial_columns
from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.trial import TrialRecord
from mnist_core.atomic_file import write_atomically
from mnist_core.measurement import Measurement


def write_tables(run_dir: RunDir, reader: StudyReader, trials: Sequence[TrialRecord]) -> None:
    """Writes `results.parquet` and `metrics.parquet`, replacing earlier ones.

    Args:
        run_dir: where to write them.
        reader: the study's store, for the measurements.
        trials: all trials of the study.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    write_results(run_dir, trials)
    measured = [(trial.number, each) for trial in trials for each in reader.measurements(trial.number)]
    write_parquet(run_dir.metrics, epochs_table(measured))


def write_results(run_dir: RunDir, trials: Sequence[TrialRecord]) -> None:
    """Writes only `results.parquet`, replacing an earlier one; test metrics do not affect the other table.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    write_parquet(run_dir.results, trials_table(trials))


def trials_table(trials: Sequence[TrialRecord]) -> pa.Table:
    """Returns one row for each trial; docs/results.md describes the columns."""
    names = (name for trial in trials for name in (*trial.metrics, *(trial.test or {})))
    columns = trial_columns((trial.params for trial in trials), names)
    return _table([_trial_row(trial) for trial in trials], columns)


def epochs_table(measured: Sequence[tuple[int, Measurement]]) -> pa.Table:
    """Returns one row for each measurement, given with its trial's number; docs/results.md describes the columns."""
    columns = epoch_columns(name for _, each in measured for name in each.metrics)
    return _table([_epoch_row(number, each) for number, each in measured], columns)


def write_parquet(path: Path, table: pa.Table) -> None:
    """Writes a table as Parquet.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    write_atomically(path, buffer.getvalue().to_pybytes())


def write_csv(path: Path, table: pa.Table) -> None:
    """Writes a table as CSV (RFC 4180, UTF-8, a header line); a cell without a value is empty.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    buffer = pa.BufferOutputStream()
    csv.write_csv(table, buffer)
    write_atomically(path, buffer.getvalue().to_pybytes())


def _trial_row(trial: TrialRecord) -> dict[str, object]:
    return {
        "number": trial.number,
        "state": trial.state.value,
        "model": trial.model,
        "params": json.dumps(dict(trial.params)),
        "seed": trial.seed,
        "epochs": trial.epochs,
        "value": trial.value,
        "attempts": trial.attempts,
        "seconds": trial.seconds,
        "worker": trial.worker,
        "error": trial.error,
        "weights_sha256": trial.weights_sha256,
        **{param_column(field): param_cell(field, value) for field, value in trial.params.items()},
        **trial.metrics,
        **(trial.test or {}),
    }


def _epoch_row(number: int, measurement: Measurement) -> dict[str, object]:
    measured = {"epoch": measurement.epoch, "elapsed_s": measurement.elapsed_s, **measurement.metrics}
    return {"number": number, **measured}


def _table(rows: list[dict[str, object]], columns: Columns) -> pa.Table:
    return pa.table({name: pa.array(_cells(rows, name), kind) for name, kind in columns.items()})


def _cells(rows: list[dict[str, object]], name: str) -> Iterator[object]:
    for row in rows:
        cell = row.get(name)
        # Parquet's text is UTF-8, in which the undecodable bytes of an error message have no place.
        yield cell.encode(errors="backslashreplace").decode() if isinstance(cell, str) else cell
