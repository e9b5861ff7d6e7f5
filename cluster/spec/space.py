"""What a search may vary: ranges and choices, their values as text, and their points by number.

Knows no study and no Optuna. A space is a mapping of dotted field names (`training.momentum`) to entries.
"""

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Discriminator, Field, JsonValue, Tag, model_validator

from mnist_core.config import FrozenModel

MAX_STEPS = 1_000_000

ParamValue = JsonValue
"""A value that a search gives to a field: whatever YAML and JSON can write."""

Params = Mapping[str, ParamValue]
"""One trial's choices: dotted field name to value."""


class Range(FrozenModel):
    """Every number from `low` to `high`, both included; evenly spread over the logarithm with `log`.

    With `step`, only low, low + step, low + 2 step, ... up to `high`. `low` and `high` are integers for a field that
    holds an integer, else floats: the study spec sees to it.
    """

    low: int | float
    high: int | float
    log: bool = False
    step: Annotated[int | float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _is_possible(self) -> "Range":
        if not self.low < self.high:
            raise ValueError(f"low is {self.low}, but should be less than high, which is {self.high}")
        if self.log and not self.low > 0:
            raise ValueError(f"low is {self.low}, but should be greater than 0 for log: true")
        if self.step is not None and self.log:
            raise ValueError("step cannot be used with log: true")
        if self.step is not None and self.step > self.high - self.low:
            raise ValueError(f"step is {self.step}, but should be at most high - low")
        if self.step is not None and (self.high - self.low) / self.step > MAX_STEPS:
            raise ValueError(f"step is {self.step}, but should divide the range into at most {MAX_STEPS} parts")
        return self

    @property
    def is_integer(self) -> bool:
        """Whether it stands for a field that holds an integer."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def size(self) -> int | None:
        """How many values it has; None for a float range without step."""
        step = self.step if self.step is not None else (1 if self.is_integer else None)
        if step is None:
            return None
        return int((_decimal(self.high) - _decimal(self.low)) // _decimal(step)) + 1

    def nth(self, index: int) -> int | float:
        """The value `index` steps above `low`, without the rounding that repeated addition would leave."""
        value = _decimal(self.low) + index * _decimal(self.step if self.step is not None else 1)
        return int(value) if self.is_integer else float(value)

    def at(self, position: float) -> int | float:
        """The value at `position` in [0, 1): every value has an equal share, of the logarithm with `log`."""
        if self.size is not None and not self.log:
            return self.nth(int(position * self.size))
        if not self.log:
            return float(min(self.low + position * (self.high - self.low), self.high))
        # An integer owns the half below and above it, so that both ends get a whole share.
        half = 0.5 if self.is_integer else 0.0
        low, high = math.log(self.low - half), math.log(self.high + half)
        value = min(max(math.exp(low + position * (high - low)), self.low), self.high)
        return round(value) if self.is_integer else value


class Choices(FrozenModel):
    """One of several values: numbers, words, lists or whole mappings such as `{kind: lenet}`."""

    choices: Annotated[tuple[ParamValue, ...], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _are_different(self) -> "Choices":
        seen: set[str] = set()
        for choice in self.choices:
            text = canonical_json(choice)
            if text in seen:
                raise ValueError(f"choices has {text} twice")
            seen.add(text)
        return self

    @property
    def size(self) -> int:
        """How many values it has."""
        return len(self.choices)

    def nth(self, index: int) -> ParamValue:
        """The choice at `index`."""
        return self.choices[index]

    def at(self, position: float) -> ParamValue:
        """The choice at `position` in [0, 1): every choice has an equal share."""
        return self.choices[int(position * len(self.choices))]


def _tag(entry: Any) -> str:
    is_choices = isinstance(entry, Choices) or (isinstance(entry, Mapping) and "choices" in entry)
    return "Choices" if is_choices else "Range"


# The tags are no key of an entry, so that a path through one tells them apart.
SpaceEntry = Annotated[Annotated[Range, Tag("Range")] | Annotated[Choices, Tag("Choices")], Discriminator(_tag)]
Space = Mapping[str, Range | Choices]


def grid_size(space: Space) -> int | None:
    """How many points the space has; None if one of its ranges has no step and holds floats."""
    sizes = [entry.size for entry in space.values()]
    return math.prod(size for size in sizes if size is not None) if None not in sizes else None


def grid_point(space: Space, number: int) -> dict[str, ParamValue]:
    """The point `number` of the grid, 0 <= number < grid_size; the last name varies fastest."""
    point: dict[str, ParamValue] = {}
    for name, entry in reversed(list(space.items())):
        size = entry.size
        if size is None:
            raise ValueError(f"{name} has no step, so it has no grid")
        number, index = divmod(number, size)
        point[name] = entry.nth(index)
    if number:
        raise ValueError("the grid is exhausted")
    return {name: point[name] for name in space}


def point_at(space: Space, positions: Sequence[float]) -> dict[str, ParamValue]:
    """The point at `positions`, one in [0, 1) for each name of the space."""
    return {name: entry.at(position) for (name, entry), position in zip(space.items(), positions, strict=True)}


def format_param(value: ParamValue) -> str:
    """A short text for tables: `{kind: lenet}` is "lenet", [128, 64] is "128-64", 0.05 is "0.05"."""
    if isinstance(value, Mapping):
        return " ".join(format_param(part) for part in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "-".join(format_param(part) for part in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)


def canonical_json(value: ParamValue) -> str:
    """The same text for the same value, whatever the order of a mapping's keys; 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _decimal(number: int | float) -> Decimal:
    return Decimal(str(number))
