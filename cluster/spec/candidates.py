"""Where a space meets the fields it varies: applies a trial's parameters, and checks at load that every one can be.

A wrong space is found by building the configurations that its bounds and choices lead to.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from cluster.spec.messages import explain, suggestion
from cluster.spec.space import Choices, Params, ParamValue, Range, Space
from cluster.spec.yaml_document import KeyPath
from mnist_core.config import FrozenModel, ModelConfig, TrainingConfig


class Candidate(FrozenModel):
    """What one trial trains and how."""

    model: ModelConfig
    training: TrainingConfig


class _Value(NamedTuple):
    """One value that a space gives to a field: `path` leads to it from the entry, e.g. ("low",)."""

    path: KeyPath
    value: ParamValue


def apply_params(base: Candidate, params: Params) -> Candidate:
    """The base with the fields named in `params` replaced; `model` and `training.schedule` are replaced as a whole.

    Another `model.kind` keeps those of the base's fields that differ from their defaults: with a base of
    `{kind: mlp, initializer: xavier}`, the kind `lenet` gives a LeNet of its own widths with Xavier's initializer.

    Raises:
        ValidationError: a value is not valid for its field.
        KeyError: there is no such field.
    """
    return _validated(_tree(base, params))


def _tree(base: Candidate, params: Params) -> dict[str, Any]:
    tree: dict[str, Any] = base.model_dump(mode="json")
    if params.get("model.kind", base.model.kind) != base.model.kind:
        tree["model"] = base.model.model_dump(mode="json", exclude_defaults=True)
    for name, value in params.items():
        *parents, leaf = name.split(".")
        node = tree
        for parent in parents:
            node = node[parent]
        node[leaf] = value
    return tree


def _validated(tree: dict[str, Any]) -> Candidate:
    return Candidate.model_validate_json(json.dumps(tree), strict=True)


def candidate_kinds(base: Candidate, space: Space) -> tuple[str, ...]:
    """The kinds of network that trials of the space may train, each once, in the order of its choices."""
    return tuple(dict.fromkeys(each.model.kind for each in _variants(base, space, ("model", "model.kind"))))


def longest_training(base: Candidate, space: Space) -> int:
    """The most epochs that a trial of the space may train."""
    return max(each.training.epochs for each in _variants(base, space, ("training", "training.epochs")))


def checked_space(base: Candidate, space: Space) -> dict[str, Range | Choices]:
    """The space with each range in the numbers of its field.

    Raises:
        PydanticCustomError: an entry names no field, or has a value that the field cannot take; its context has
            `reason`, a sentence, and `path`, the way to the culprit from the search section.
    """
    _refuse_overlaps(space)
    contexts = _contexts(base, space)
    return {name: _checked_entry(contexts, name, entry) for name, entry in space.items()}


def located_error(reason: str, *path: str | int) -> PydanticCustomError:
    """An error that a validator raises for something deeper than its own field; `path` leads on from there."""
    return PydanticCustomError("located_error", "{reason}", {"reason": reason, "path": path})


def _refuse_overlaps(space: Space) -> None:
    for name in space:
        for other in space:
            if other.startswith(f"{name}."):
                reason = f"{name} is replaced as a whole, so {other} cannot be searched beside it"
                raise located_error(reason, "space", other)


def _contexts(base: Candidate, space: Space) -> list[Candidate]:
    """The configurations that the other entries must fit: one for each kind of network that is searched."""
    if "model.kind" not in space:
        return [base]
    return [_build(base, "model.kind", item) for item in _values(space["model.kind"])]


def _checked_entry(contexts: Iterable[Candidate], name: str, entry: Range | Choices) -> Range | Choices:
    for context in contexts:
        names = list(_field_names(context))
        if name not in names:
            reason = f"there is no field {name} for {context.model.kind}: {_field_hint(name, names)}"
            raise located_error(reason, "space", name)
        for item in _values(entry):
            built = _build(context, name, item)
            if isinstance(entry, Range):
                entry = _in_numbers_of(entry, name, _value_at(built, name))
    return entry


def _field_hint(name: str, names: Sequence[str]) -> str:
    """Which field was probably meant: one of the same section, or one of the same name in another."""
    section, _, leaf = name.rpartition(".")
    beside = [each for each in names if each.startswith(f"{section}.")]
    same = [each for each in names if each.rpartition(".")[2] == leaf]
    # Fields of one section are much alike by its name alone.
    return f"did you mean {same[0]}?" if same else suggestion(name, beside or names, "the fields", cutoff=0.8)


def _build(context: Candidate, name: str, item: _Value) -> Candidate:
    tree = _tree(context, {name: item.value})
    try:
        return _validated(tree)
    except ValidationError as err:
        raise located_error(explain(err, Candidate, tree).text, "space", name, *item.path) from err


def _in_numbers_of(entry: Range, name: str, value: object) -> Range:
    if isinstance(value, float):
        step = None if entry.step is None else float(entry.step)
        return entry.model_copy(update={"low": float(entry.low), "high": float(entry.high), "step": step})
    if isinstance(value, bool) or not isinstance(value, int):
        raise located_error(f"{name} does not hold a number: give choices instead of a range", "space", name)
    if isinstance(entry.step, float):
        raise located_error(f"step is {entry.step}, but {name} holds integers", "space", name, "step")
    return entry


def _values(entry: Range | Choices) -> Iterator[_Value]:
    if isinstance(entry, Range):
        yield _Value(("low",), entry.low)
        yield _Value(("high",), entry.high)
    else:
        yield from (_Value(("choices", index), choice) for index, choice in enumerate(entry.choices))


def _value_at(candidate: Candidate, name: str) -> object:
    node: Any = candidate
    for part in name.split("."):
        node = getattr(node, part)
    return node


def _variants(base: Candidate, space: Space, names: tuple[str, ...]) -> list[Candidate]:
    """What the base becomes by each value of the entries with these names; the base itself if there are none."""
    items = [(name, item.value) for name in names if name in space for item in _values(space[name])]
    return [apply_params(base, {name: value}) for name, value in items] or [base]


def _field_names(candidate: Candidate) -> Iterator[str]:
    yield from _dotted(candidate.model_dump(mode="json"), "")


def _dotted(tree: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, value in tree.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{key}.")
