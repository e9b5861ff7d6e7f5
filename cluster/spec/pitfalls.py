"""Finds what people get wrong in a spec although its types are right: settings that could have no effect.

Returns paths and sentences; spec_file.py adds the file and line. Older studies keep specs that are rejected here, so
only new ones are checked for settings without effect.
"""

from collections.abc import Iterator
from typing import NamedTuple

from cluster.spec.candidates import equal_choices
from cluster.spec.messages import dotted, format_value
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
from mnist_core.config import TrainingConfig

OPTIMIZERS_WITH = {"momentum": ("sgd", "nag"), "beta1": ("adam",), "beta2": ("adam",), "epsilon": ("adam",)}
"""Field of `training` -> the optimizers that use it; any other field is used by all."""


class Pitfall(NamedTuple):
    """What will not work: the path of the culprit, and what is wrong and how to put it right, in one sentence."""

    path: KeyPath
    text: str


def find_futile_settings(spec: StudySpec) -> Iterator[Pitfall]:
    """Yields what no trial of a new study could make use of."""
    yield from _futile_choices(spec)
    yield from _futile_hyperparameters(spec)
    yield from _futile_pruner(spec, spec.search.pruner, ("search", "pruner"))
    yield from find_impossible_goal(spec)
    size = spec.search.grid_size
    if "trials" not in spec.model_fields_set and size is not None and size > MAX_TRIALS:
        yield Pitfall(("search", "space"), f"the grid has {size} points: give `trials`, at most {MAX_TRIALS}")


def find_impossible_goal(spec: StudySpec) -> Iterator[Pitfall]:
    """Yields a `stop.objective` that no trial can reach or miss; people may change it while a study has trials."""
    if spec.stop.objective is not None:
        yield from _impossible_objective(spec, ("stop", "objective"), spec.stop.objective)


def find_partial_settings(spec: StudySpec) -> Iterator[str]:
    """Yields what not all trials of a study make use of, or none, but nobody searches; each in one sentence."""
    for name, optimizers in _hyperparameters_of_some_optimizers(spec):
        others = [each for each in spec.optimizers if each not in optimizers]
        if 0 < len(others) < len(spec.optimizers):
            yield f"training.{name} is searched, but trials with the optimizer {' or '.join(others)} do not use it"
    for name, optimizers in OPTIMIZERS_WITH.items():
        if name in spec.training.model_fields_set and not {*optimizers} & {*spec.optimizers}:
            value, default = getattr(spec.training, name), TrainingConfig.model_fields[name].default
            if value != default and f"training.{name}" not in spec.search.space:
                yield f"training.{name} is {value:g}, but the optimizer {' or '.join(spec.optimizers)} does not use it"
    if _start(spec.search.pruner)[2] == spec.max_epochs:
        yield "the pruner stops no trial before its last epoch, so it has no effect"


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
        meant = f": did you mean {value / 100:g}?" if 2 <= value <= 100 else ""
        yield Pitfall(path, f"{dotted(path)} is {value:.10g}, but {objective} is a share, from 0 to 1{meant}")
