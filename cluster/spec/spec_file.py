"""Study specs as files: reads one with overrides from the command line, names the line of an error, writes one.

What a spec may say is study_spec.py's, what YAML may say is yaml_tree.py's.
"""

import copy
import json
import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec as find_package
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from cluster.spec.messages import dotted, explain, format_value
from cluster.spec.strategies import PatientPruner, Strategy
from cluster.spec.study_spec import StudySpec
from cluster.spec.yaml_document import MAX_BYTES, MAX_DEPTH, Document, KeyPath, read_yaml, write_yaml
from mnist_core.errors import SpecError

ENTRY_KEYS = ("low", "high", "log", "step", "choices")


def load_spec(
    source: str | Path, overrides: Sequence[str] = (), *, name: str = "the study spec", check_packages: bool = True
) -> StudySpec:
    """The study spec that a file or a text describes.

    Args:
        source: a path to a YAML file, or the YAML itself as a str.
        overrides: "key=value" each, e.g. "training.epochs=3": they replace what the source says.
        name: what to call a text in messages; a file goes by its path.
        check_packages: also ask for the Python packages that the sampler and the pruner need.

    Raises:
        SpecError: the source cannot be read or is no valid study spec; one sentence with the file, the line, the key,
            the offending value and what is allowed.
    """
    name = str(source) if isinstance(source, Path) else name
    document = read_yaml(_text(source) if isinstance(source, Path) else source, name)
    tree = apply_overrides(document.tree, overrides)
    try:
        spec = StudySpec.model_validate_json(json.dumps(tree), strict=True)
    except ValidationError as err:
        problem = explain(err, StudySpec, tree)
        more = f" (and {problem.others} more)" if problem.others else ""
        raise SpecError(f"{_location(name, document, overrides, problem.path)}: {problem.text}{more}") from err
    for path, text in _missing_packages(spec) if check_packages else ():
        raise SpecError(f"{_location(name, document, overrides, path)}: {text}")
    return spec


def dump_spec(spec: StudySpec) -> str:
    """YAML with every field spelled out, which `load_spec` reads as an equal spec."""
    return write_yaml(spec.model_dump(mode="json"))


def apply_overrides(tree: JsonValue, overrides: Sequence[str]) -> JsonValue:
    """The tree with each "key=value" set; the value is YAML, the key a dotted path such as `training.epochs`.

    Below `search.space` the rest of the key is the name of a field, with `low`, `high`, `log`, `step` or `choices`
    after it or not: `search.space.training.momentum.high=0.9`.

    Raises:
        SpecError: an override is malformed, or leads through something that has no keys.
    """
    tree = copy.deepcopy(tree)
    for override in overrides:
        *parents, leaf = _override_path(override)
        node: Any = tree
        for part in parents:
            node = _child(node, part, override)
        _mapping(node, override)[leaf] = read_yaml(override.partition("=")[2], _option(override)).tree
    return tree


def shortcut_overrides(trials: int | None = None, epochs: int | None = None, workers: str | None = None) -> list[str]:
    """The overrides that the options --trials, --epochs and --workers stand for; `workers` is such as "cpu=2,gpu=0".

    Raises:
        SpecError: `workers` is malformed.
    """
    numbers = {"trials": trials, "training.epochs": epochs}
    overrides = [f"{key}={number}" for key, number in numbers.items() if number is not None]
    for part in workers.split(",") if workers is not None else ():
        if not re.fullmatch(r"\s*(cpu|gpu)\s*=\s*(auto|[0-9]+)\s*", part):
            raise SpecError(f"--workers is {workers!r}, but should be such as cpu=2,gpu=0 or gpu=auto")
        overrides.append(f"workers.{''.join(part.split())}")
    return overrides


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1).decode()
    except UnicodeDecodeError as err:
        raise SpecError(f"{path} is not a text file in UTF-8, so it cannot be a study spec") from err
    except (OSError, ValueError) as err:  # ValueError: the path holds a null byte
        reason = (getattr(err, "strerror", None) or str(err)).lower()
        raise SpecError(f"the study spec {path} cannot be read: {reason}") from err


def _option(override: str) -> str:
    return f"--set {' '.join(override.split())}"


def _override_path(override: str) -> tuple[str, ...]:
    key, equals, _ = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts) or len(parts) > MAX_DEPTH:
        raise SpecError(f"{_option(override)} should be key=value, such as training.epochs=3")
    if parts[:2] != ["search", "space"] or len(parts) < 3:
        return tuple(parts)
    has_entry_key = len(parts) > 3 and parts[-1] in ENTRY_KEYS
    field, entry_key = (parts[2:-1], parts[-1:]) if has_entry_key else (parts[2:], [])
    return ("search", "space", ".".join(field), *entry_key)


def _child(node: JsonValue, part: str, override: str) -> JsonValue:
    mapping = _mapping(node, override)
    if mapping.get(part) is None:
        mapping[part] = {}
    return mapping[part]


def _mapping(node: JsonValue, override: str) -> dict[str, JsonValue]:
    if not isinstance(node, dict):
        raise SpecError(f"{_option(override)} leads through {format_value(node)}, which has no keys")
    return node


def _location(name: str, document: Document, overrides: Sequence[str], path: KeyPath) -> str:
    """Where the value at `path` was written: in the last override that set it or what holds it, else on a line."""
    known = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in document.lines), ())
    for override in reversed(overrides):
        set_here = _override_path(override)
        # What holds the value may be in no file: the override `a.b=1` makes both a and b.
        made_here = path[: len(known) + 1] == set_here[: len(known) + 1]
        if path[: len(set_here)] == set_here or (len(known) < len(path) and made_here):
            return _option(override)
    line = document.lines.get(known)
    return name if line is None else f"{name}, line {line}"


def _missing_packages(spec: StudySpec) -> Iterator[tuple[KeyPath, str]]:
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
                yield kind, f"{need}: install it with `pip install {package}`"
