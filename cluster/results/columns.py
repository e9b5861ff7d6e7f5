"""The columns of `results.parquet` and `metrics.parquet`: names and types that depend on no study's results.

Tools such as pyarrow.dataset, DuckDB and polars read tables of several studies together only if a column has one type
in all of them. So every metric that a network can measure has its column, and a searched field has the type of the
field, whatever values a study chose.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import pyarrow as pa

from cluster.spec.space import Params, ParamValue, canonical_json
from mnist_core.config import CLASS_NAMES, MODELS, TrainingConfig
from mnist_core.heads import head_accuracy_tags

Columns = Mapping[str, pa.DataType]
"""Column name -> its type, in order."""

_TRIAL: Columns = {
    "number": pa.int64(),
    "state": pa.string(),
    "model": pa.string(),
    "params": pa.string(),
    "seed": pa.uint64(),
    "epochs": pa.int64(),
    "value": pa.float64(),
    "attempts": pa.int64(),
    "seconds": pa.float64(),
    "worker": pa.string(),
    "error": pa.string(),
    "weights_sha256": pa.string(),
}
_EPOCH: Columns = {"number": pa.int64(), "epoch": pa.int64(), "elapsed_s": pa.float64()}


def _scores(prefix: str) -> tuple[str, ...]:
    """Returns the metrics of images that a network did not train on."""
    return (f"{prefix}/loss", f"{prefix}/accuracy", *head_accuracy_tags(prefix, CLASS_NAMES).values())


_MEASURED = ("train/loss", "train/accuracy", *_scores("val"), "perf/samples_per_second")

_FIELD_TYPES: Mapping[frozenset[str], pa.DataType] = {
    frozenset({"number"}): pa.float64(),
    frozenset({"integer"}): pa.int64(),
    frozenset({"boolean"}): pa.bool_(),
}


def trial_columns(params: Iterable[Params], metrics: Iterable[str]) -> Columns:
    """Returns the columns of `results.parquet`.

    Args:
        params: the parameters of all trials, whose fields get a column each.
        metrics: the names of all metrics that occur; unknown ones, of other versions, get a column each.
    """
    fields = {field: field_type(field) for chosen in params for field in chosen}
    searched = {param_column(field): kind for field, kind in fields.items()}
    return {**_TRIAL, **searched, **_metric_columns((*_MEASURED, *_scores("test"), *metrics))}


def epoch_columns(metrics: Iterable[str]) -> Columns:
    """Returns the columns of `metrics.parquet`; `metrics` are the names of all metrics that occur."""
    return {**_EPOCH, **_metric_columns((*_MEASURED, *metrics))}


def param_column(field: str) -> str:
    """Returns the column of a searched field: its dotted name, but `params.model` for a whole `model`."""
    return f"params.{field}" if field in _TRIAL else field


def param_cell(field: str, value: ParamValue) -> ParamValue:
    """Returns a searched value as its column holds it: a number, a word, or JSON for lists and mappings.

    Example:
        >>> param_cell("training.learning_rate", 1), param_cell("model.hidden", [128, 64])
        (1.0, '[128, 64]')
    """
    if field_type(field) == pa.float64() and isinstance(value, int):
        return float(value)
    if field_type(field) != pa.string() or value is None or isinstance(value, str):
        return value
    return canonical_json(value)


@cache
def field_type(field: str) -> pa.DataType:
    """Returns the type of a searched field's column: that of the field, or text if it can hold several types."""
    return _FIELD_TYPES.get(frozenset(_json_types(field)), pa.string())


def _metric_columns(names: Iterable[str]) -> Columns:
    return dict.fromkeys(names, pa.float64())


def _json_types(field: str) -> Iterator[str]:
    """Yields the types of JSON that a field of `model` or `training` may hold."""
    part, _, name = field.partition(".")
    owners: Mapping[str, tuple[Any, ...]] = {"model": tuple(MODELS.values()), "training": (TrainingConfig,)}
    for owner in owners.get(part, ()):
        schema = owner.model_json_schema()["properties"].get(name)
        if schema is not None:
            yield from (each.get("type", "object") for each in schema.get("anyOf", [schema]))
