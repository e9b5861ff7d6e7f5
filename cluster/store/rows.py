"""Decodes rows of the study store into values. Uses the columns' names, but no SQL.

Decoding a damaged row raises one of Python's built-in errors; see sqlite_file.py.
"""

import json
from typing import Any, Literal, Protocol, get_args

from cluster.time_spent import TimeSpent
from cluster.trial import AttemptOutcome, AttemptRecord, Report, SeedBits, TrialRecord, TrialState
from mnist_core.measurement import Measurement

_YEAR_9999_S = 253_370_764_800.0

StudyState = Literal["running", "complete", "interrupted"]


class Row(Protocol):
    """A row whose columns are accessed by name."""

    def __getitem__(self, column: str, /) -> Any: ...


def read_study(row: Row) -> tuple[StudyState, str | None]:
    """Returns the study's state, and why it ended before its last trial, if it did."""
    if row["state"] not in get_args(StudyState):
        raise ValueError(f"{row['state']!r} is not a state of a study")
    return row["state"], _text_or_none(row["reason"])


def read_environment(row: Row) -> str | None:
    """Returns the environment that the study started in, as JSON; None if it is not recorded."""
    environment = _text_or_none(row["environment"])
    if environment is not None and not isinstance(json.loads(environment), dict):
        raise ValueError(f"{environment!r} is not an environment")
    return environment


def read_spec(row: Row) -> tuple[str | None, SeedBits]:
    """Returns the resolved spec that the study was started with, None if it is not recorded, and its `SeedBits`."""
    bits = row["seed_bits"]
    if bits not in get_args(SeedBits):
        raise ValueError(f"{bits!r} is not a length of seeds")
    return _text_or_none(row["spec"]), bits


def read_record(row: Row) -> TrialRecord:
    """Returns a trial, given its row joined with its last measurement and attempt; its JSON may contain NaN."""
    return TrialRecord(
        number=int(row["number"]),
        state=TrialState(row["state"]),
        model=_text(row["model"]),
        params=dict(json.loads(row["params"])),
        seed=int(row["seed"]) % 2**64,
        epochs=int(row["epochs"] or 0),
        value=None if row["value"] is None else float(row["value"]),
        metrics=_numbers(row["metrics"]) if row["metrics"] else {},
        attempts=int(row["attempts"]),
        seconds=float(row["elapsed_s"] or 0.0),
        worker=_text_or_none(row["worker"]),
        error=_text_or_none(row["error"]),
        traceback=_text_or_none(row["traceback"]),
        weights_sha256=_text_or_none(row["weights_sha256"]),
        test=_numbers(row["test"]) if row["test"] else None,
    )


def read_attempt(row: Row) -> AttemptRecord:
    """Returns one attempt to train a trial."""
    outcome = row["outcome"]
    if outcome is not None and outcome not in get_args(AttemptOutcome):
        raise ValueError(f"{outcome!r} is not an outcome of an attempt")
    return AttemptRecord(
        attempt=int(row["attempt"]),
        worker=_text(row["worker"]),
        started_at=_timestamp(row["started_at"]),
        ended_at=None if row["ended_at"] is None else _timestamp(row["ended_at"]),
        outcome=outcome,
        error=_text_or_none(row["error"]),
        traceback=_text_or_none(row["traceback"]),
    )


def read_measurement(row: Row) -> Measurement:
    """Returns an epoch's measurement, equal to the one that was written."""
    confusion = {
        head: tuple(tuple(int(cell) for cell in line) for line in counts)
        for head, counts in json.loads(row["confusion"]).items()
    }
    return Measurement(int(row["epoch"]), _numbers(row["metrics"]), float(row["elapsed_s"]), confusion)


def read_report(row: Row, metric: str) -> Report | None:
    """Returns the value of a metric after an epoch; None if it was not measured."""
    value = _numbers(row["metrics"]).get(metric)
    return None if value is None else Report(int(row["trial"]), int(row["epoch"]), value)


def read_time_spent(row: Row) -> TimeSpent:
    """Returns where the time of a driver's session had gone by then."""
    return TimeSpent(**json.loads(row["spent"]))


def signed(seed: int) -> int:
    """Returns the number in [-2**63, 2**63) that stands for a seed in [0, 2**64): SQLite has no unsigned integers."""
    return seed - 2**64 if seed >= 2**63 else seed


def _timestamp(value: Any) -> float:
    """Returns Unix seconds; raises ValueError if no date can represent them."""
    if not 0 <= float(value) < _YEAR_9999_S:
        raise ValueError(f"{value!r} is not a time")
    return float(value)


def _numbers(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in json.loads(text).items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)
