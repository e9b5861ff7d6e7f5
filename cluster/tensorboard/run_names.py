"""Names the runs that TensorBoard shows: a trial's number, its network, and what the search chose for it.

A name depends on nothing but the spec's space and the trial's parameters, so it stays the same after a resume.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from cluster.spec.space import FEWEST_DIGITS, Choices, Params, ParamValue, Space, canonical_json, format_param

LONGEST_NAME = 100
SHORT_FIELDS = {"learning_rate": "lr", "batch_size": "batch", "weight_decay": "wd", "initializer": "init"}
"""Names of fields that are shortened in a run's name."""

# What file systems, URLs and TensorBoard's filter, a regular expression, take as it is.
_UNSAFE = re.compile(r"[^A-Za-z0-9._=-]+")


class RunNames:
    """The names of a study's runs.

    Example:
        >>> space = {"training.learning_rate": Choices(choices=(0.06, 0.1))}
        >>> RunNames(space).of("lenet", {"training.learning_rate": 0.06})
        'lenet lr=0.06'
    """

    def __init__(self, space: Space) -> None:
        """Finds out what tells apart the choices of a whole `model` or `training`."""
        self._details = {
            name: _telling_fields(entry.choices) for name, entry in space.items() if isinstance(entry, Choices)
        }

    def of(self, kind: str, params: Params) -> str:
        """Returns a trial's name without its number: its network, then each searched field, as far as they fit."""
        name = kind
        for field, value in params.items():
            for part in self._parts(field, value):
                if len(name) + 1 + len(part) > LONGEST_NAME:
                    return name
                name = f"{name} {part}"
        return name

    def _parts(self, field: str, value: ParamValue) -> Iterator[str]:
        """Yields the words for one searched field; those of a mapping are the fields that tell it from others."""
        leaf = field.rpartition(".")[2]
        if not isinstance(value, dict):  # faster than asking for a Mapping, and JSON has no other
            if field != "model.kind":
                yield _part(leaf, value)
            return
        kind = value.get("kind")
        if kind is not None and field != "model":
            yield _part(leaf, kind)
        telling = self._details.get(field, {}).get(str(kind), set())
        yield from (_part(name, inner) for name, inner in value.items() if name in telling)


def _telling_fields(choices: tuple[ParamValue, ...]) -> dict[str, set[str]]:
    """Returns for each `kind` of the choices that are mappings which fields have several values among them."""
    values: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    mappings = [choice for choice in choices if isinstance(choice, Mapping)]
    names = {name for choice in mappings for name in choice if name != "kind"}
    for choice in mappings:
        for name in names:
            values[str(choice.get("kind"))][name].add(canonical_json(choice.get(name)))
    return {kind: {name for name, seen in fields.items() if len(seen) > 1} for kind, fields in values.items()}


def _part(leaf: str, value: ParamValue) -> str:
    text = format_param(value, FEWEST_DIGITS)
    safe = text if isinstance(value, int | float) else _UNSAFE.sub("_", text)
    return f"{SHORT_FIELDS.get(leaf, leaf)}={safe}"
