"""Rows of the study store as values. Knows the columns' names, but no SQL: see store.py."""

import json
from typing import Any, Protocol

from cluster.trial import TrialRecord, TrialState
from mnist_core.measurement import Measurement


class Row(Protocol):
    """A row whose columns are found by their names."""

    def __getitem__(self, column: str, /) -> Any: ...


def read_record(row: Row) -> TrialRecord:
    """A trial from its row joined with its last measurement and its last attempt; JSON may hold NaN and Infinity."""
    return TrialRecord(
        number=row["number"],
        state=TrialState(row["state"]),
        model=row["model"],
        params=json.loads(row["params"]),
        seed=row["seed"],
        epochs=row["epochs"] or 0,
        value=row["value"],
        metrics=json.loads(row["metrics"]) if row["metrics"] else {},
        attempts=row["attempts"],
        seconds=row["elapsed_s"] or 0.0,
        worker=row["worker"],
        error=row["error"],
        traceback=row["traceback"],
        weights_sha256=row["weights_sha256"],
        test=json.loads(row["test"]) if row["test"] else None,
    )


def read_measurement(row: Row) -> Measurement:
    """An epoch's numbers, equal to what was written."""
    confusion = {
        head: tuple(tuple(int(cell) for cell in line) for line in counts)
        for head, counts in json.loads(row["confusion"]).items()
    }
    return Measurement(row["epoch"], json.loads(row["metrics"]), row["elapsed_s"], confusion)
