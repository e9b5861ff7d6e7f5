"""Finds what people get wrong in a spec although its types are right, and spaces in the words of other tools.

Returns paths and sentences; spec_file.py adds the file and line. Older studies keep specs that are rejected here, so
only new ones are checked for settings without effect.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import JsonValue

from cluster.spec.candidates import equal_choices
from cluster.spec.messages import dotted, format_value
from cluster.spec.space import ENTRY_KEYS
from cluster.spec.strategies import (
    AshaPruner,
    HyperbandPruner,
    MedianPruner,
    NoPruner,
    PatientPruner,
    PercentilePruner,
    PrunerConfig,
    ThresholdPruner,
    WilcoxonPruner,
)
from cluster.spec.study_spec import MAX_TRIALS, StudySpec
from cluster.spec.yaml_document import KeyPath
from mnist_core.config import LenetConfig, MlpConfig, TrainingConfig

OPTIMIZERS_WITH = {"momentum": ("sgd", "nag"), "beta1": ("adam",), "beta2": ("adam",), "epsilon": ("adam",)}
"""Field of `training` -> the optimizers that use it; any other field is used by all."""

SECTIONS = ("model", "training", "training.schedule")
NAMES_HERE = {
    **dict.fromkeys(("parameters", "params", "space", "search_space", "searchSpace", "param_space"), "search.space"),
    **dict.fromkeys(("metric", "optimize_metric"), "search.objective"),
    **dict.fromkeys(("method", "sampler", "tuner", "search_alg"), "search.sampler"),
    **dict.fromkeys(("early_terminate", "pruner", "assessor", "scheduler"), "search.pruner"),
    **dict.fromkeys(("n_trials", "num_samples", "run_cap", "maxTrialNumber", "trialNumber"), "trials"),
}
"""A key at the top of another tool's spec -> where it stands in ours."""


class Pitfall(NamedTuple):
    """What will not work: the path of the culprit, and what is wrong and how to put it right, in one sentence."""

    path: KeyPath
    text: str


# -- spaces in the words of other tools -------------------------------------------------------------------------------


def find_foreign_forms(tree: JsonValue) -> Iterator[Pitfall]:
    """Yields what is written as for W&B, NNI, Ray Tune or Optuna, in a tree that need not be a valid spec."""
    if not isinstance(tree, dict):
        return
    for key in tree:
        if key in NAMES_HERE:
            yield Pitfall((key,), f"the study spec has no key {key!r}: write it as {NAMES_HERE[key]}")
    search = tree.get("search")
    space = search.get("space") if isinstance(search, dict) else None
    for name, entry in space.items() if isinstance(space, dict) else ():
        form = _right_form(name, entry)
        if form is not None:
            path = ("search", "space", name)
            yield Pitfall(path, f"{dotted(path)} is {format_value(entry)}, but should be written as `{form}`")


def _right_form(name: str, entry: JsonValue) -> str | None:
    """Returns how to write an entry; None if it is written so, or it cannot be seen what is meant."""
    name = _full_name(name)
    match entry:
        case list():
            return _choices(name, entry)
        case bool() | int() | float():
            return _choices(name, [entry])
        case str():
            return _called_form(name, entry)
        case dict() if name in SECTIONS and entry and not entry.keys() & {*ENTRY_KEYS, *_FOREIGN_KEYS}:
            return ", ".join(_nested_form(f"{name}.{key}", child) for key, child in entry.items())
        case dict():
            return _choices_form(name, entry) or _range_form(name, entry)
    return None


_FOREIGN_KEYS = ("values", "grid_search", "value", "_value", "_type", "min", "max", "lower", "upper")
_CALL = re.compile(r"(?:\w+\.)*(\w+)\((.*)\)")


def _full_name(name: str) -> str:
    """Returns `training.momentum` for `momentum`."""
    sections = {"training": TrainingConfig.model_fields, "model": {*MlpConfig.model_fields, *LenetConfig.model_fields}}
    return next((f"{section}.{name}" for section, fields in sections.items() if name in fields), name)


def _nested_form(name: str, entry: JsonValue) -> str:
    right = _right_form(name, entry)
    if right is not None or not isinstance(entry, dict):
        return right or f"{name}: {format_value(entry)}"
    return f"{name}: {{{', '.join(f'{key}: {format_value(value)}' for key, value in entry.items())}}}"


def _called_form(name: str, text: str) -> str | None:
    """Returns a form for a call of Ray Tune's, such as `tune.loguniform(0.01, 0.1)`."""
    call = _CALL.fullmatch(text)
    if call is None:
        return None
    try:
        arguments = json.loads(f"[{call[2]}]")
    except ValueError:
        return None
    kind = "choice" if call[1] in ("choice", "grid_search") else call[1]
    return _typed_form(name, kind, arguments[0] if kind == "choice" and arguments else arguments)


def _choices_form(name: str, entry: Mapping[str, JsonValue]) -> str | None:
    match entry:
        case {"values": list(values)} | {"grid_search": list(values)}:
            return _choices(name, values)
        case {"value": value}:
            return _choices(name, [value])
        case {"low": low, "high": high} if low == high:
            return _choices(name, [low])
        case {"_type": kind, "_value": value}:
            return _typed_form(name, str(kind), value)
    return None


def _range_form(name: str, entry: Mapping[str, Any]) -> str | None:
    """Returns a range in our words for `min` and `max`, `lower` and `upper`, or `low` and `high` with a `type`."""
    kind = str(entry.get("distribution", entry.get("type", "")))
    for low, high in (("min", "max"), ("lower", "upper"), ("low", "high")):
        is_ours = low == "low" and not entry.keys() & {"distribution", "type", "q"}
        if low in entry and high in entry and not is_ours:
            is_log = "log" in kind or entry.get("log") is True
            return _range(name, entry[low], entry[high], is_log, entry.get("q", entry.get("step")))
    return None


def _typed_form(name: str, kind: str, value: JsonValue) -> str | None:
    """Returns a form for NNI's `_type` and `_value`: all choices, or low, high and perhaps a step."""
    if not isinstance(value, list) or len(value) < 1:
        return None
    if kind == "choice":
        return _choices(name, value)
    return _range(name, value[0], value[1], "log" in kind, value[2] if len(value) > 2 else None) if value[1:] else None


def _choices(name: str, values: Sequence[JsonValue]) -> str:
    return f"{name}: {{choices: {format_value(values)}}}"


def _range(name: str, low: JsonValue, high: JsonValue, is_log: bool, step: JsonValue) -> str:
    spread = ", log: true" if is_log else ("" if step is None else f", step: {format_value(step)}")
    return f"{name}: {{low: {format_value(low)}, high: {format_value(high)}{spread}}}"


# -- settings without effect ------------------------------------------------------------------------------------------


def find_futile_settings(spec: StudySpec) -> Iterator[Pitfall]:
    """Yields what no trial of a new study could make use of."""
    yield from _futile_choices(spec)
    yield from _futile_hyperparameters(spec)
    yield from _futile_pruner(spec, spec.search.pruner, ("search", "pruner"))
    if spec.stop.objective is not None:
        yield from _impossible_objective(spec, ("stop", "objective"), spec.stop.objective)
    size = spec.search.grid_size
    if "trials" not in spec.model_fields_set and size is not None and size > MAX_TRIALS:
        yield Pitfall(("search", "space"), f"the grid has {size} points: give `trials`, at most {MAX_TRIALS}")


def find_partial_settings(spec: StudySpec) -> Iterator[str]:
    """Yields what only some trials of a study make use of, each in one sentence."""
    for name, optimizers in _hyperparameters_of_some_optimizers(spec):
        others = [each for each in spec.optimizers if each not in optimizers]
        if 0 < len(others) < len(spec.optimizers):
            yield f"training.{name} is searched, but trials with the optimizer {' or '.join(others)} do not use it"


def _futile_choices(spec: StudySpec) -> Iterator[Pitfall]:
    for name, first, second in equal_choices(spec.base, spec.search.space):
        path = ("search", "space", name, "choices")
        values = f"{format_value(first)} and {format_value(second)}"
        yield Pitfall(path, f"{dotted(path)} contains {values}, which are the same {name}: remove one of them")


def _futile_hyperparameters(spec: StudySpec) -> Iterator[Pitfall]:
    for name, optimizers in _hyperparameters_of_some_optimizers(spec):
        if not {*optimizers} & {*spec.optimizers}:
            path = ("search", "space", f"training.{name}")
            reason = f"the optimizer {' or '.join(spec.optimizers)} has no {name}, only {' and '.join(optimizers)}"
            yield Pitfall(path, f"{dotted(path)} has no effect: {reason}")


def _hyperparameters_of_some_optimizers(spec: StudySpec) -> Iterator[tuple[str, tuple[str, ...]]]:
    return (item for item in OPTIMIZERS_WITH.items() if f"training.{item[0]}" in spec.search.space)


def _futile_pruner(spec: StudySpec, pruner: PrunerConfig, path: KeyPath) -> Iterator[Pitfall]:
    key, value, first_epoch = _start(pruner)
    if first_epoch > spec.max_epochs:
        what = f"it stops no trial before epoch {first_epoch}, and trials train at most {spec.max_epochs} epochs"
        yield Pitfall((*path, key), f"{dotted((*path, key))} is {value}, so the pruner would have no effect: {what}")
    if isinstance(pruner, ThresholdPruner):
        for key, bound in (("lower", pruner.lower), ("upper", pruner.upper)):
            if bound is not None:
                yield from _impossible_objective(spec, (*path, key), bound)
    if isinstance(pruner, PatientPruner) and pruner.wrapped is not None:
        yield from _futile_pruner(spec, pruner.wrapped, (*path, "wrapped"))


def _start(pruner: PrunerConfig) -> tuple[str, int, int]:
    """Returns the option that says when a pruner starts, its value, and the first epoch that may be a trial's last."""
    match pruner:
        case AshaPruner(min_resource=value, reduction_factor=factor, min_early_stopping_rate=rate):
            return "min_resource", value, value * factor**rate
        case HyperbandPruner(min_resource=value):
            return "min_resource", value, value
        case MedianPruner() | PercentilePruner() | ThresholdPruner():
            return "n_warmup_steps", pruner.n_warmup_steps, pruner.n_warmup_steps
        case WilcoxonPruner(n_startup_steps=value):
            return "n_startup_steps", value, value
        case PatientPruner(patience=value):  # Optuna compares the last patience + 1 epochs with those before
            return "patience", value, value + 2
        case NoPruner():
            return "kind", 0, 0


def _impossible_objective(spec: StudySpec, path: KeyPath, value: float) -> Iterator[Pitfall]:
    objective = spec.search.objective
    if "loss" in objective:
        if value < 0:
            yield Pitfall(path, f"{dotted(path)} is {value:g}, but {objective} is never less than 0")
    elif not 0 <= value <= 1:
        meant = f": did you mean {value / 100:g}?" if 1 < value <= 100 else ""
        yield Pitfall(path, f"{dotted(path)} is {value:g}, but {objective} is a share, from 0 to 1{meant}")
