"""The searched parameters of a study as columns: one for each field that differs between its trials."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cluster.spec.space import Choices, Params, ParamValue, Range, Space, canonical_json, fewest_digits, format_param


@dataclass(frozen=True)
class ParameterColumn:
    """One field that the search chose, over the trials of a study.

    Attributes:
        field: its dotted name, such as `training.learning_rate`; for a field of a searched mapping, `model.hidden`.
        label: the shortest end of the name that no other column has, such as `learning_rate`.
        is_numeric: whether all its values are numbers from a range.
        is_log: whether an axis should be logarithmic.
        values: trial number -> value; without the trials whose network has no such field.
        texts: trial number -> the value as short text, which tells all values apart.
        order: the texts in the order in which an axis shows them.
    """

    field: str
    label: str
    is_numeric: bool
    is_log: bool
    values: Mapping[int, ParamValue]
    texts: Mapping[int, str]
    order: Sequence[str]


def parameter_columns(space: Space, params: Mapping[int, Params]) -> list[ParameterColumn]:
    """Returns the columns in the order of the space, without the kind of network.

    A choice of whole mappings (`model: {choices: [{kind: lenet, hidden: 500}, ...]}`) becomes a column for each of
    its keys. Fields that have one value in all trials are left out.

    Args:
        space: what the study searched.
        params: trial number -> its parameters.
    """
    found: dict[str, dict[int, ParamValue]] = {}
    for name in space:
        for number, chosen in params.items():
            if name in chosen:
                for field, value in _flat(name, chosen[name]):
                    found.setdefault(field, {})[number] = value
    kept = {
        field: values
        for field, values in found.items()
        if field != "model.kind" and len({canonical_json(value) for value in values.values()}) > 1
    }
    labels = short_names(kept)
    return [_column(field, labels[field], space.get(field), values) for field, values in kept.items()]


def short_names(fields: Iterable[str]) -> dict[str, str]:
    """Returns field -> the shortest end of its dotted name that tells it from all others.

    Example:
        >>> short_names(["training.momentum", "model.kind", "training.schedule.kind"])
        {'training.momentum': 'momentum', 'model.kind': 'model.kind', 'training.schedule.kind': 'schedule.kind'}
    """
    fields = list(fields)

    def end(field: str, parts: int) -> str:
        return ".".join(field.split(".")[-parts:])

    def is_clear(field: str, parts: int) -> bool:
        return not any(end(other, parts) == end(field, parts) for other in fields if other != field)

    return {
        field: next((end(field, n) for n in range(1, field.count(".") + 1) if is_clear(field, n)), field)
        for field in fields
    }


def _flat(field: str, value: ParamValue) -> Iterator[tuple[str, ParamValue]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(f"{field}.{key}", part)
    else:
        yield field, value


def _column(field: str, label: str, entry: Range | Choices | None, values: Mapping[int, ParamValue]) -> ParameterColumn:
    digits = fewest_digits(list(values.values()))
    texts = {number: format_param(value, digits) for number, value in values.items()}
    numbers = [value for value in values.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    all_numbers = len(numbers) == len(values)
    by_text = {texts[number]: value for number, value in values.items()}
    order = sorted(by_text, key=lambda text: float(str(by_text[text]))) if all_numbers else _as_listed(entry, by_text)
    is_log = isinstance(entry, Range) and entry.log
    return ParameterColumn(field, label, isinstance(entry, Range), is_log, values, texts, order)


def _as_listed(entry: Range | Choices | None, by_text: Mapping[str, ParamValue]) -> list[str]:
    """Returns the texts in the order of the spec's choices, as far as it has one."""
    listed = [canonical_json(choice) for choice in entry.choices] if isinstance(entry, Choices) else []
    places = {
        text: listed.index(code) if (code := canonical_json(value)) in listed else 0 for text, value in by_text.items()
    }
    return sorted(by_text, key=lambda text: places[text])
