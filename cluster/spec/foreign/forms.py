"""Finds what a spec says in the words of another tool, and says how to write it here.

The tree need not be a valid spec. Returns paths and sentences; spec_file.py adds the file and line.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import JsonValue

from cluster.spec.foreign.entries import WORDS, Entry, UnclearEntry, translated
from cluster.spec.messages import ABBREVIATIONS, dotted, format_value, suggestion
from cluster.spec.pitfalls import Pitfall
from cluster.spec.space import ENTRY_KEYS
from cluster.spec.yaml_document import KeyPath
from mnist_core.config import MODELS, CosineSchedule, StepSchedule, TrainingConfig

SECTIONS = ("model", "training", "training.schedule")
_PARTS = {
    "search.space": ("parameters", "params", "space", "search_space", "searchSpace", "param_space"),
    "search.objective": ("metric", "metrics", "objective", "optimize_metric", "monitor"),
    "search.sampler": ("method", "sampler", "tuner", "search_alg", "algorithm", "strategy"),
    "search.pruner": ("early_terminate", "early_stopping", "pruner", "assessor", "scheduler"),
    "trials": ("n_trials", "num_samples", "run_cap", "maxTrialNumber", "maxTrialNum", "trialNumber", "max_trials"),
    "workers.cpu": ("trialConcurrency", "max_concurrent_trials", "n_jobs", "concurrency"),
}
NAMES_HERE = {name: here for here, names in _PARTS.items() for name in names}
"""A key at the top, or of `search`, in another tool's spec -> where it stands in ours."""
DIRECTIONS = ("direction", "mode", "goal", "optimize_mode")
LONGEST_FORM = 600

_MODEL = {name for model in MODELS.values() for name in model.model_fields}
_FIELDS = {"training": {*TrainingConfig.model_fields}, "model": _MODEL}
_SCHEDULE = {*StepSchedule.model_fields, *CosineSchedule.model_fields}
NAMES = {
    *SECTIONS,
    *(f"{section}.{name}" for section, names in _FIELDS.items() for name in names),
    *(f"training.schedule.{name}" for name in _SCHEDULE),
}
"""The fields that a space may name."""


def find_foreign_forms(tree: JsonValue) -> Iterator[Pitfall]:
    """Yields what is written as for W&B, NNI, Ray Tune, Ax, Optuna or Hydra."""
    if not isinstance(tree, dict):
        return
    yield from _foreign_keys(tree, ())
    search: Any = tree.get("search")
    if not isinstance(search, dict):
        return
    yield from _foreign_keys(search, ("search",))
    space, path = search.get("space"), ("search", "space")
    holds_lists = _fields_with_lists(tree)
    if isinstance(space, list) and all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in space):
        space = {each["name"]: {key: each[key] for key in each if key != "name"} for each in space if each}
        forms = " and ".join(_form(name, entry, holds_lists) or name for name, entry in space.items())
        yield Pitfall(path, f"{dotted(path)} is a list, but should be a mapping, written as {forms}")
        return
    for name, entry in space.items() if isinstance(space, dict) else ():
        yield from _entry_pitfalls(name, entry, holds_lists)


def _foreign_keys(tree: Mapping[str, Any], path: KeyPath) -> Iterator[Pitfall]:
    owner = dotted(path)
    own = {"search.space", "search.objective", "search.sampler", "search.pruner"}
    here = {key: NAMES_HERE[key] for key in tree if key in NAMES_HERE and dotted((*path, key)) not in own}
    if here:
        keys, it = ("key", "it") if len(here) == 1 else ("keys", "them")
        text = f"{owner} has no {keys} {', '.join(map(repr, here))}: write {it} as {', '.join(here.values())}"
        yield Pitfall((*path, next(iter(here))), text)
    for key in tree:
        if key in DIRECTIONS:
            reason = "a loss is minimized and an accuracy maximized, so leave it out"
            yield Pitfall((*path, key), f"{owner} has no key {key!r}: {reason}")


def _entry_pitfalls(name: str, entry: Any, holds_lists: frozenset[str]) -> Iterator[Pitfall]:
    path = ("search", "space", name)
    is_ours = isinstance(entry, dict) and bool(entry) and entry.keys() <= {*ENTRY_KEYS}
    if _full_name(name) not in NAMES and not is_ours:
        hint = suggestion(name, sorted(NAMES), "the fields", cutoff=0.8)
        yield Pitfall(path, f"{dotted(path)}: there is no field {name}: {hint}")
        return
    given = f"{dotted(path)} is {format_value(entry)}"
    try:
        form = _form(name, entry, holds_lists)
    except UnclearEntry as err:
        reason = f"; {err}" if str(err) else ""
        name = _full_name(name)
        examples = f"`{name}: {{low: ..., high: ...}}`, or choices, such as `{name}: {{choices: [...]}}`"
        yield Pitfall(path, f"{given}, but should be a range, such as {examples}{reason}")
        return
    if form is not None:
        yield Pitfall(path, f"{given}, but should be written as {form}")


def _form(name: str, entry: Any, holds_lists: frozenset[str]) -> str | None:
    """Returns how to write an entry; None if it is written so.

    Raises:
        UnclearEntry: it cannot be seen what is meant.
    """
    name = _full_name(name)
    if name in SECTIONS and isinstance(entry, dict) and entry and not entry.keys() & ({*ENTRY_KEYS} | WORDS):
        children = {**entry, **entry["parameters"]} if isinstance(entry.get("parameters"), dict) else entry
        items = [(f"{name}.{key}", child) for key, child in children.items() if key != "parameters"]
        return " and ".join(_form(full, child, holds_lists) or _written(full, child) for full, child in items)
    found = translated(entry)
    return None if found is None else _written(name, _with_whole_lists(name, found, holds_lists))


def _with_whole_lists(name: str, entry: Entry, holds_lists: frozenset[str]) -> Entry:
    """Returns choices of lists for a field that holds a list: [128, 64] is one value of `model.hidden`."""
    choices = entry.get("choices")
    if name in holds_lists and isinstance(choices, list) and not any(isinstance(each, list) for each in choices):
        return {"choices": [choices]}
    return entry


def _fields_with_lists(tree: Mapping[str, Any]) -> frozenset[str]:
    model = tree.get("model")
    kind = model.get("kind") if isinstance(model, dict) else None
    return frozenset({"model.filters"} if kind == "lenet" else {"model.filters", "model.hidden"})


def _written(name: str, entry: Any) -> str:
    text = ", ".join(f"{key}: {format_value(value, LONGEST_FORM)}" for key, value in entry.items())
    return f"`{name}: {{{text}}}`"


def _full_name(name: str) -> str:
    """Returns `training.momentum` for `momentum` or `training.learning_rate` for `lr`."""
    name = ABBREVIATIONS.get(name, name)
    return next((f"{section}.{name}" for section, fields in _FIELDS.items() if name in fields), name)
