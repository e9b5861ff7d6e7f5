"""Reads a study spec from YAML with command-line overrides, locates errors by line, and writes specs.

study_spec.py defines what a spec may contain, yaml_document.py which YAML it may use.
"""

import copy
import json
import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec as find_package
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from cluster.spec.foreign.forms import find_foreign_forms
from cluster.spec.messages import dotted, explain, format_value, suggestion
from cluster.spec.pitfalls import Pitfall, find_futile_settings, find_impossible_goal
from cluster.spec.space import ENTRY_KEYS
from cluster.spec.strategies import PatientPruner, Strategy
from cluster.spec.study_spec import LimitsSpec, StudySpec
from cluster.spec.yaml_document import MAX_BYTES, MAX_DEPTH, Document, KeyPath, read_yaml, write_yaml
from mnist_core.config import MODELS
from mnist_core.errors import SpecError

SPACE = ("search", "space")


class OptionOverride(str):
    """An override that an option such as `--epochs 3` stands for, which messages name instead of `--set`."""

    __slots__ = ("option",)
    option: str

    @classmethod
    def of(cls, override: str, option: str) -> "OptionOverride":
        """Returns the override, a string "key=value", with what the user wrote for it."""
        named = cls(override)
        named.option = option
        return named


def load_spec(
    source: str | Path,
    overrides: Sequence[str] = (),
    *,
    name: str = "the study spec",
    check_packages: bool = True,
    is_new: bool = False,
    can_stop: bool = False,
) -> StudySpec:
    """Loads a study spec.

    Args:
        source: the path of a YAML file, or the YAML itself as a str.
        overrides: strings "key=value", e.g. "training.epochs=3", that override the source.
        name: what messages call a source that is a str; files are named by their path.
        check_packages: whether to check that the packages that the sampler and the pruner need are installed.
        is_new: whether it is for a new study; then settings that could have no effect are rejected.
        can_stop: whether trials follow, so that a `stop.objective` that none can reach is rejected.

    Raises:
        SpecError: the source cannot be read or is not a valid study spec; names the file, the line, the key, the
            offending value and what is allowed.

    Example:
        >>> load_spec("name: mine", ["training.epochs=3"]).training.epochs
        3
    """
    name = str(source) if isinstance(source, Path) else name
    document = read_yaml(_text(source) if isinstance(source, Path) else source, name)
    tree = _with_first_kind(apply_overrides(_without_defaults_of_older_version(document.tree), overrides))
    for path, text in find_foreign_forms(tree):
        raise SpecError(f"{_location(name, document, overrides, path)}: {text}")
    for override in overrides:
        _check_not_searched(override, tree)
    try:
        spec = StudySpec.model_validate_json(json.dumps(tree), strict=True)
    except ValidationError as err:
        problem = explain(err, StudySpec, tree)
        more = f" (and {problem.others} more)" if problem.others else ""
        raise SpecError(f"{_location(name, document, overrides, problem.path)}: {problem.text}{more}") from err
    for override in overrides:
        _check_not_beyond_grid(override, tree, spec)
    futile = find_futile_settings(spec) if is_new else find_impossible_goal(spec) if can_stop else ()
    for path, text in chain(futile, _missing_packages(spec) if check_packages else ()):
        raise SpecError(f"{_location(name, document, overrides, path)}: {text}")
    return spec


def dump_spec(spec: StudySpec) -> str:
    """Returns YAML with every field spelled out; `load_spec` reads it as an equal spec.

    Only if `model.kind` is searched, `model` has just the fields that were given: the others depend on the kind.
    """
    return write_yaml(spec.model_dump(mode="json"))


def apply_overrides(tree: JsonValue, overrides: Sequence[str]) -> JsonValue:
    """Returns a copy of the tree with each "key=value" set; the value is YAML, the key a path like `training.epochs`.

    After `search.space`, the rest of the key is a field name, optionally followed by `low`, `high`, `log`, `step` or
    `choices`: `search.space.training.momentum.high=0.9`. The value null takes a field out of the space.

    Raises:
        SpecError: an override is malformed, its key leads through a value that has no keys, or it takes a field out of
            the space that is not in it.
    """
    tree = copy.deepcopy(tree)
    for override in overrides:
        path = _override_path(override)
        value = read_yaml(override.partition("=")[2], _option(override)).tree
        if path[:2] == SPACE and len(path) == 3 and value is None:
            _remove_from_space(tree, path[2], override)
        else:
            _set_value(tree, path, value, override)
    return tree


def shortcut_overrides(
    trials: int | None = None, epochs: int | None = None, workers: str | None = None
) -> list[OptionOverride]:
    """Returns the overrides that the options --trials, --epochs and --workers stand for.

    Args:
        trials: number of trials.
        epochs: number of epochs per trial.
        workers: number of workers of each kind, such as "cpu=2,gpu=0".

    Raises:
        SpecError: `workers` is malformed.
    """
    overrides = []
    if trials is not None:
        overrides.append(OptionOverride.of(f"trials={trials}", f"--trials {trials}"))
    if epochs is not None:
        overrides.append(OptionOverride.of(f"training.epochs={epochs}", f"--epochs {epochs}"))
    parts = workers.split(",") if workers is not None else []
    found = [re.fullmatch(r"\s*(cpu|gpu)\s*=\s*(auto|[0-9]+)\s*", part) for part in parts]
    kinds = [part[1] for part in found if part]
    if None in found or len({*kinds}) < len(kinds):
        raise SpecError(f"--workers is {workers!r}: expected a form like cpu=2,gpu=0 or gpu=auto")
    options = (OptionOverride.of(f"workers.{part[1]}={part[2]}", f"--workers {workers}") for part in found if part)
    return [*overrides, *options]


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1).decode()
    except UnicodeDecodeError as err:
        raise SpecError(f"the study spec {path} cannot be read: it is not text in UTF-8") from err
    except (OSError, ValueError) as err:  # ValueError: the path holds a null byte
        reason = (getattr(err, "strerror", None) or str(err)).lower()
        raise SpecError(f"the study spec {path} cannot be read: {reason}") from err


def _option(override: str) -> str:
    """Returns what messages call an override, on one line."""
    return override.option if isinstance(override, OptionOverride) else f"--set {' '.join(override.split())}"


def _override_path(override: str) -> tuple[str, ...]:
    key, equals, _ = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts) or len(parts) > MAX_DEPTH:
        raise SpecError(f"{_option(override)}: expected key=value, such as training.epochs=3")
    if (*parts[:2],) != SPACE or len(parts) < 3:
        return tuple(parts)
    has_entry_key = len(parts) > 3 and parts[-1] in ENTRY_KEYS
    field, entry_key = (parts[2:-1], parts[-1:]) if has_entry_key else (parts[2:], [])
    return (*SPACE, ".".join(field), *entry_key)


def _set_value(tree: Any, path: Sequence[str], value: JsonValue, override: str) -> None:
    """Sets the value at `path`, and creates the mappings that lead there if they are missing."""
    node = tree
    for depth, key in enumerate(path):
        if not isinstance(node, dict):
            parent = f"{dotted(tuple(path[:depth]))} is {format_value(node)}"
            raise SpecError(f"{_option(override)}: {parent}, which has no keys")
        if depth == len(path) - 1:
            node[key] = value
        elif node.get(key) is None:
            node[key] = {}
        node = node[key]


def _remove_from_space(tree: Any, field: str, override: str) -> None:
    search = tree.get("search") if isinstance(tree, dict) else None
    space = search.get("space") if isinstance(search, dict) else None
    if not isinstance(space, dict) or not space:
        raise SpecError(f"{_option(override)}: {field} is not in the space, which is empty")
    if field not in space:
        hint = suggestion(field, list(space), "its fields", cutoff=0.9)
        raise SpecError(f"{_option(override)}: {field} is not in the space: {hint}")
    del space[field]


def _check_not_searched(override: str, tree: Any) -> None:
    """Rejects an override of a searched field, which no trial would use."""
    search = tree.get("search") if isinstance(tree, dict) else None
    space = search.get("space") if isinstance(search, dict) else None
    value = read_yaml(override.partition("=")[2], _option(override)).tree
    for name in _dotted_leaves(".".join(_override_path(override)), value):
        for searched in space if isinstance(space, dict) else ():
            if f"{name}.".startswith(f"{searched}."):
                remedy = f"take it out of the space with --set {'.'.join(SPACE)}.{searched}=null"
                reason = f"the study searches {searched}, which replaces this value"
                raise SpecError(f"{_option(override)}: {reason}: to set it for all trials, {remedy}")


def _check_not_beyond_grid(override: str, tree: Any, spec: StudySpec) -> None:
    points = spec.search.grid_size
    if _override_path(override) == ("trials",) and points is not None and tree["trials"] > points:
        reason = f"trials is {tree['trials']}, but the grid has {points} points"
        raise SpecError(f"{_option(override)}: {reason}, each of which runs once: ask for at most {points}")


def _dotted_leaves(name: str, value: JsonValue) -> Iterator[str]:
    """Yields the dotted names of the values in a tree that stands at `name`."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _dotted_leaves(f"{name}.{key}", child)
    else:
        yield name


def _with_first_kind(tree: Any) -> Any:
    """Returns the tree, with the first choice of `model.kind` as the kind of a `model` that has none."""
    model = tree.get("model") if isinstance(tree, dict) else None
    search = tree.get("search") if isinstance(tree, dict) else None
    space = search.get("space") if isinstance(search, dict) else None
    kinds = space.get("model.kind") if isinstance(space, dict) else None
    choices = kinds.get("choices") if isinstance(kinds, dict) else None
    if isinstance(model, dict) and "kind" not in model and isinstance(choices, list) and choices:
        return {**tree, "model": {"kind": choices[0], **model}}
    return tree


def _without_defaults_of_older_version(tree: JsonValue) -> JsonValue:
    """Returns the spec without the fields of `model` that equal their defaults, if an earlier version dumped it.

    Those versions spelled out all fields, so one cannot tell which of the model's were given; if `model.kind` was
    searched, they ignored those that equalled their defaults. What a person writes does not have every field.
    """
    if not isinstance(tree, dict) or not tree.keys() >= StudySpec.model_fields.keys():
        return tree
    limits, model = tree["limits"], tree["model"]
    if not isinstance(limits, dict) or not limits.keys() >= LimitsSpec.model_fields.keys():
        return tree
    kind = model.get("kind") if isinstance(model, dict) else None
    if not isinstance(model, dict) or not isinstance(kind, str) or kind not in MODELS:
        return tree
    defaults = MODELS[kind]().model_dump(mode="json", exclude={"kind"})
    if not model.keys() >= defaults.keys():
        return tree
    given = {name: value for name, value in model.items() if name not in defaults or value != defaults[name]}
    return {**tree, "model": given}


def _location(name: str, document: Document, overrides: Sequence[str], path: KeyPath) -> str:
    """Returns where the value at `path` was written: the last override that set it or an enclosing mapping, or a line.

    If the value is missing, the nearest enclosing mapping counts.
    """
    # The longest prefix of the path that is in the document.
    known = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in document.lines), ())
    for override in reversed(overrides):
        set_path = _override_path(override)
        is_set = path[: len(set_path)] == set_path
        # The mapping around a missing value may come from an override, too: `a.b=1` creates both a and b.
        is_around = len(known) < len(path) and path[: len(known) + 1] == set_path[: len(known) + 1]
        if is_set or is_around:
            return _option(override)
    line = document.lines.get(known)
    return name if line is None else f"{name}, line {line}"


def _missing_packages(spec: StudySpec) -> Iterator[Pitfall]:
    """Yields the path of the `kind` and a sentence for each package that is needed but not installed."""
    pruner = spec.search.pruner
    strategies: list[tuple[KeyPath, Strategy]] = [(("sampler",), spec.search.sampler), (("pruner",), pruner)]
    if isinstance(pruner, PatientPruner) and pruner.wrapped is not None:
        strategies.append((("pruner", "wrapped"), pruner.wrapped))
    for path, strategy in strategies:
        for package in strategy.packages:
            if find_package(package) is None:
                kind = ("search", *path, "kind")
                name = format_value(strategy.model_dump()["kind"])
                need = f"{dotted(kind)} is {name}, which needs the Python package {package}"
                yield Pitfall(kind, f"{need}: install it with `pip install {package}`")
