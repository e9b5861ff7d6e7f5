"""Applies a trial's parameters to the fields of a spec, and checks that every entry of a space can be applied.

A space is checked when it is loaded, by building the configurations that its bounds and choices lead to.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from cluster.spec.messages import ABBREVIATIONS, explain, suggestion
from cluster.spec.space import Choices, Params, ParamValue, Range, Space
from cluster.spec.yaml_document import KeyPath
from mnist_core.config import FrozenModel, ModelConfig, TrainingConfig


class Candidate(FrozenModel):
    """What one trial trains and how."""

    model: ModelConfig
    training: TrainingConfig


class _EntryValue(NamedTuple):
    """One value that an entry of a space gives to its field.

    Attributes:
        path: the path from the entry to the value, e.g. ("low",).
    """

    path: KeyPath
    value: ParamValue


def apply_params(base: Candidate, params: Params) -> Candidate:
    """Returns the base with the fields named in `params` replaced; `model` and `training.schedule` only as wholes.

    With `model.kind`, the base's model counts with the fields that were given to it (`model_fields_set`), even if they
    equal its defaults: with a base of `{kind: mlp, activation: relu}`, the kind `lenet` gives a LeNet with its own
    widths and initializer, and relu.

    Raises:
        ValidationError: a value is not valid for its field.
        KeyError: a field does not exist.
    """
    return _validated(_tree(base, params))


def _tree(base: Candidate, params: Params) -> dict[str, Any]:
    tree: dict[str, Any] = base.model_dump(mode="json")
    if "model.kind" in params:
        tree["model"] = base.model.model_dump(mode="json", exclude_unset=True)
    for name, value in params.items():
        *parents, leaf = name.split(".")
        node = tree
        for parent in parents:
            node = node[parent]
        node[leaf] = value
    return tree


def _validated(tree: dict[str, Any]) -> Candidate:
    return Candidate.model_validate_json(json.dumps(tree), strict=True)


def variants(base: Candidate, space: Space, names: Sequence[str]) -> list[Candidate]:
    """Returns the base with each value of the entries with these names; the base itself if there are none.

    A range counts as its two bounds.
    """
    items = [(name, item.value) for name in names if name in space for item in _values(space[name])]
    return [apply_params(base, {name: value}) for name, value in items] or [base]


def candidate_kinds(base: Candidate, space: Space) -> tuple[str, ...]:
    """Returns the kinds of network that trials of the space may train, each once, in the order of its choices."""
    return tuple(dict.fromkeys(each.model.kind for each in variants(base, space, ("model", "model.kind"))))


def longest_training(base: Candidate, space: Space) -> int:
    """Returns the most epochs that a trial of the space may train."""
    return max(each.training.epochs for each in variants(base, space, ("training", "training.epochs")))


def optimizers(base: Candidate, space: Space) -> tuple[str, ...]:
    """Returns the optimizers that trials of the space may use, each once, in the order of its choices."""
    names = ("training", "training.optimizer")
    return tuple(dict.fromkeys(each.training.optimizer for each in variants(base, space, names)))


def equal_choices(base: Candidate, space: Space) -> Iterator[tuple[str, ParamValue, ParamValue]]:
    """Yields the name of a field and two of its choices that mean the same, such as 1 and 1.0 for a float."""
    base = _base_of_each_kind(base, space)[0]
    for name, entry in space.items():
        seen: dict[object, ParamValue] = {}
        for item in _values(entry) if isinstance(entry, Choices) else ():
            meaning = _value_at(_build(base, name, item), name)  # validated, so 1 and 1.0 differ only in their type
            if meaning in seen:
                yield name, seen[meaning], item.value
            seen[meaning] = item.value


def checked_space(base: Candidate, space: Space) -> dict[str, Range | Choices]:
    """Returns the space with each range's bounds as integers or floats, whichever its field holds.

    Raises:
        PydanticCustomError: an entry names no field, or has a value that the field does not allow; its context has
            `reason`, a sentence, and `path`, the path from the search section to the culprit.
    """
    _check_overlaps(space)
    bases = _base_of_each_kind(base, space)
    return {name: _checked_entry(bases, name, entry) for name, entry in space.items()}


def located_error(reason: str, *path: str | int) -> PydanticCustomError:
    """Returns an error for a validator to raise about a value below its field; `path`: from the field to the value."""
    return PydanticCustomError("located_error", "{reason}", {"reason": reason, "path": path})


def _check_overlaps(space: Space) -> None:
    for name in space:
        for other in space:
            if other.startswith(f"{name}."):
                reason = f"the space replaces {name} as a whole, so it cannot vary {other} as well"
                raise located_error(reason, "space", other)


def _base_of_each_kind(base: Candidate, space: Space) -> list[Candidate]:
    """Returns the base for each `model.kind` of the space, all of which the other entries must fit."""
    if "model.kind" not in space:
        return [base]
    return [_build(base, "model.kind", item) for item in _values(space["model.kind"])]


def _checked_entry(bases: Iterable[Candidate], name: str, entry: Range | Choices) -> Range | Choices:
    for base in bases:
        names = list(_field_names(base))
        if name not in names:
            schedule = name.startswith("training.schedule.")
            owner = f"the schedule {base.training.schedule.kind}" if schedule else base.model.kind
            reason = f"there is no field {name} for {owner}: {_field_hint(name, names)}"
            raise located_error(reason, "space", name)
        for item in _values(entry):
            built = _build(base, name, item)
            if isinstance(entry, Range):
                entry = _with_numbers_of_field(entry, name, _value_at(built, name))
    return entry


def _field_hint(name: str, names: Sequence[str]) -> str:
    """Suggests the field that was probably meant: one in the same section, or of the same name in another."""
    section, _, leaf = name.rpartition(".")
    leaf = ABBREVIATIONS.get(leaf, leaf)
    same_section = [each for each in names if each.startswith(f"{section}.")]
    same_leaf = [each for each in names if each.rpartition(".")[2] == leaf]
    if same_leaf:
        return f"did you mean {same_leaf[0]}?"
    # The section is a long common prefix that makes any two of its fields look similar, hence the high cutoff.
    return suggestion(name, same_section or names, "the fields", cutoff=0.8)


def _build(base: Candidate, name: str, item: _EntryValue) -> Candidate:
    tree = _tree(base, {name: item.value})
    try:
        return _validated(tree)
    except ValidationError as err:
        raise located_error(explain(err, Candidate, tree).text, "space", name, *item.path) from err


def _with_numbers_of_field(entry: Range, name: str, value: object) -> Range:
    """Returns the range, in floats if its field holds a float; `value`: what the field holds after validation."""
    if isinstance(value, float):
        step = None if entry.step is None else float(entry.step)
        return entry.model_copy(update={"low": float(entry.low), "high": float(entry.high), "step": step})
    if isinstance(value, bool) or not isinstance(value, int):
        raise located_error(f"{name} is not a number: give choices instead of a range", "space", name)
    if isinstance(entry.step, float):
        raise located_error(f"step is {entry.step}, but should be an integer, as {name} is", "space", name, "step")
    return entry


def _values(entry: Range | Choices) -> Iterator[_EntryValue]:
    """Yields the values to check: both bounds of a range, or all choices."""
    if isinstance(entry, Range):
        yield _EntryValue(("low",), entry.low)
        yield _EntryValue(("high",), entry.high)
    else:
        yield from (_EntryValue(("choices", index), choice) for index, choice in enumerate(entry.choices))


def _value_at(candidate: Candidate, name: str) -> object:
    node: Any = candidate
    for part in name.split("."):
        node = getattr(node, part)
    return node


def _field_names(candidate: Candidate) -> Iterator[str]:
    yield from _dotted_names(candidate.model_dump(mode="json"), "")


def _dotted_names(tree: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, value in tree.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _dotted_names(value, f"{prefix}{key}.")
