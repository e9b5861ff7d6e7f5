"""Writes a study as Parquet tables, one row per trial and one row per epoch, for pandas and similar tools."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.trial import TrialRecord
from mnist_core.atomic_file import write_atomically


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
    _write(run_dir.metrics, [row for trial in trials for row in _epoch_rows(reader, trial)])


def write_results(run_dir: RunDir, trials: Sequence[TrialRecord]) -> None:
    """Writes only `results.parquet`, replacing an earlier one; test metrics do not affect the other table.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    _write(run_dir.results, [_trial_row(trial) for trial in trials])


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
        **trial.metrics,
        **(trial.test or {}),
    }


def _epoch_rows(reader: StudyReader, trial: TrialRecord) -> list[dict[str, object]]:
    return [
        {"number": trial.number, "epoch": m.epoch, "elapsed_s": m.elapsed_s, **m.metrics}
        for m in reader.measurements(trial.number)
    ]


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    columns = {name: None for row in rows for name in row}  # in the order of their first appearance
    types = {"seed": pa.uint64()}  # which Arrow does not infer
    table = pa.table({name: pa.array([row.get(name) for row in rows], types.get(name)) for name in columns})
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    write_atomically(path, buffer.getvalue().to_pybytes())
