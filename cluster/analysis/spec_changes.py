"""A study's spec beside the defaults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from cluster.spec.space import Choices, Range, format_param
from cluster.spec.study_spec import StudySpec


@dataclass(frozen=True)
class SpecField:
    """One field of a spec, its values as short text.

    Attributes:
        name: its dotted name.
        default: what it is unless a spec says otherwise; None if there is no default. What belongs to a kind, such as
            the fields of a pruner, has the defaults of that kind.
    """

    name: str
    value: str
    default: str | None

    @property
    def is_default(self) -> bool:
        """Whether the spec leaves the field as it is."""
        return self.value == self.default


def spec_fields(spec: StudySpec) -> list[SpecField]:
    """Returns all fields of a spec, in its order; the entries of `search.space` as one field each."""
    return list(_fields(spec, None, ()))


def _fields(model: BaseModel, kind: str | None, path: tuple[str, ...]) -> Iterator[SpecField]:
    """Yields the fields of a part of the spec; `kind` is the part's default kind, if it has one."""
    for name, info in type(model).model_fields.items():
        value: Any = getattr(model, name)
        where = (*path, name)
        if isinstance(value, BaseModel):
            yield from _fields(value, getattr(info.get_default(), "kind", None), where)
        elif isinstance(value, Mapping):
            yield from (SpecField(".".join((*where, field)), _entry(entry), None) for field, entry in value.items())
        elif name == "kind":
            yield SpecField(".".join(where), str(value), kind)
        else:
            has_default = not info.is_required() and info.default_factory is None
            yield SpecField(".".join(where), _text(value), _text(info.default) if has_default else None)


def _entry(entry: Range | Choices) -> str:
    """Returns a searched field as people read it: "0.001 to 0.5, log", or its choices."""
    if isinstance(entry, Choices):
        return ", ".join(_text(choice) for choice in entry.choices)
    more = [f"in steps of {entry.step}"] if entry.step is not None else []
    more += ["log"] if entry.log else []
    return ", ".join([f"{entry.low} to {entry.high}", *more])


def _text(value: Any) -> str:
    return "none" if value is None else format_param(list(value) if isinstance(value, tuple) else value)
