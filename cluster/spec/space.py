"""What a search may vary: ranges and choices, the points of a space, and values as text.

A space maps dotted field names (`training.momentum`) to ranges or choices. Independent of studies and of Optuna.
"""

import json
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Discriminator, Field, JsonValue, Tag, model_validator

from mnist_core.config import FrozenModel

MAX_STEPS = 1_000_000
FEWEST_DIGITS = 4  # of a float in a table
EXACT_DIGITS = 17  # of a float that reads back as itself

ParamValue = JsonValue
"""A value that a search can give to a field: anything that YAML and JSON can express."""

Params = Mapping[str, ParamValue]
"""The parameters of one trial: dotted field name -> value."""


class Range(FrozenModel):
    """The numbers from `low` to `high`, inclusive; with `log`, spread evenly over the logarithm.

    With `step`, only low, low + step, low + 2 step, ... up to `high`. `checked_space` makes `low` and `high` integers
    if the field holds an integer, else floats.

    Example:
        >>> momentum = Range(low=0.0, high=0.35, step=0.1)
        >>> [momentum.nth(index) for index in range(momentum.size)]
        [0.0, 0.1, 0.2, 0.3]
    """

    low: int | float
    high: int | float
    log: bool = False
    step: Annotated[int | float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _check_bounds(self) -> "Range":
        if not self.low < self.high:
            raise ValueError(f"low is {self.low}, but should be less than high, which is {self.high}")
        if self.log and not self.low > 0:
            raise ValueError(f"low is {self.low}, but should be greater than 0 with log: true")
        if self.step is not None and self.log:
            raise ValueError("step cannot be used with log: true")
        if self.step is not None and self._steps < 1:
            raise ValueError(f"step is {self.step}, but should be at most high - low")
        if self.step is not None and self._steps > MAX_STEPS:
            raise ValueError(f"step is {self.step}, but should give at most {MAX_STEPS} steps")
        return self

    @property
    def _steps(self) -> Fraction:
        """The number of steps from `low` to `high`, with a rest; exact in the numbers as written."""
        return (_exact(self.high) - _exact(self.low)) / _exact(self.step if self.step is not None else 1)

    @property
    def is_integer(self) -> bool:
        """Whether the field holds an integer."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def size(self) -> int | None:
        """The number of values; None for a float range without a step."""
        return int(self._steps) + 1 if self.step is not None or self.is_integer else None

    def nth(self, index: int) -> int | float:
        """Returns the value `index` steps above `low`."""
        # In exact arithmetic, so that the third step of 0.1 is 0.3 and not 0.30000000000000004.
        value = _exact(self.low) + index * _exact(self.step if self.step is not None else 1)
        return int(value) if self.is_integer else float(value)

    def at(self, position: float) -> int | float:
        """Returns the value at `position` in [0, 1), shared equally by all values, or by their logarithm."""
        if self.size is not None and not self.log:
            return self.nth(int(position * self.size))
        if not self.log:
            return float(min(self.low + position * (self.high - self.low), self.high))
        # Each integer owns the halves below and above it, so that both ends get a full share.
        half = 0.5 if self.is_integer else 0.0
        low, high = math.log(self.low - half), math.log(self.high + half)
        value = min(max(math.exp(low + position * (high - low)), self.low), self.high)
        return round(value) if self.is_integer else value


class Choices(FrozenModel):
    """A list of values to choose from: numbers, strings, lists or whole mappings such as `{kind: lenet}`."""

    choices: Annotated[tuple[ParamValue, ...], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _check_distinct(self) -> "Choices":
        seen: set[str] = set()
        for choice in self.choices:
            text = canonical_json(choice)
            if text in seen:
                raise ValueError(f"choices contains {text} twice")
            seen.add(text)
        return self

    @property
    def size(self) -> int:
        """The number of choices."""
        return len(self.choices)

    def nth(self, index: int) -> ParamValue:
        """Returns the choice at `index`."""
        return self.choices[index]

    def at(self, position: float) -> ParamValue:
        """Returns the choice at `position` in [0, 1), of which all choices have equal shares."""
        return self.choices[int(position * len(self.choices))]


def _tag(entry: Any) -> str:
    is_choices = isinstance(entry, Choices) or (isinstance(entry, Mapping) and "choices" in entry)
    return "Choices" if is_choices else "Range"


# The tags appear in the locations of pydantic's errors, so they must not be keys of an entry, or paths are ambiguous.
SpaceEntry = Annotated[Annotated[Range, Tag("Range")] | Annotated[Choices, Tag("Choices")], Discriminator(_tag)]
Space = Mapping[str, Range | Choices]


ENTRY_KEYS = (*Range.model_fields, *Choices.model_fields)


def grid_size(space: Space) -> int | None:
    """Returns the number of points in the space; None if one of its entries is a float range without a step."""
    sizes = [entry.size for entry in space.values()]
    return math.prod(size for size in sizes if size is not None) if None not in sizes else None


def grid_point(space: Space, number: int) -> dict[str, ParamValue]:
    """Returns point `number` of the grid, 0 <= number < grid_size; the last name varies fastest.

    Raises:
        ValueError: the grid has no such point, or the space has no grid.
    """
    point: dict[str, ParamValue] = {}
    for name, entry in reversed(list(space.items())):
        size = entry.size
        if size is None:
            raise ValueError(f"{name} is a float range without a step, so the space has no grid")
        number, index = divmod(number, size)
        point[name] = entry.nth(index)
    if number:
        raise ValueError("the grid is exhausted")
    return {name: point[name] for name in space}


def point_at(space: Space, positions: Sequence[float]) -> dict[str, ParamValue]:
    """Returns the point of the space at `positions`, one in [0, 1) for each name."""
    return {name: entry.at(position) for (name, entry), position in zip(space.items(), positions, strict=True)}


def format_param(value: ParamValue, digits: int = EXACT_DIGITS) -> str:
    """Returns short text for tables: "lenet" for `{kind: lenet}`, "128-64" for [128, 64], "0.05" for 0.05.

    Args:
        value: the value of a field.
        digits: how many significant digits a float may have. By default it has as many as it needs, so that two values
            of a field have the same text only if they are equal.
    """
    if isinstance(value, Mapping):
        # What has a kind is clear from its values; the values of `training` could belong to any of its fields.
        names = dict.fromkeys(value, "") if "kind" in value else {name: f"{name}=" for name in value}
        return " ".join(f"{names[name]}{format_param(part, digits)}" for name, part in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "-".join(format_param(part, digits) for part in value)
    if isinstance(value, float):
        return _format_float(value, digits)
    return value if isinstance(value, str) else json.dumps(value)


def fewest_digits(values: Sequence[ParamValue]) -> int:
    """Returns the least number of digits, at least 4, with which `format_param` tells apart all values of a field."""
    different = len({format_param(value) for value in values})
    counts = range(FEWEST_DIGITS, EXACT_DIGITS)
    enough = (count for count in counts if len({format_param(value, count) for value in values}) == different)
    return next(enough, EXACT_DIGITS)


def canonical_json(value: ParamValue) -> str:
    """Returns JSON that is the same for equal values, whatever the order of keys; 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _format_float(value: float, digits: int) -> str:
    texts = (f"{value:.{count}g}" for count in range(FEWEST_DIGITS, digits))
    return next((text for text in texts if float(text) == value), f"{value:.{digits}g}")


def _exact(number: int | float) -> Fraction:
    """Returns the number as it is written: 0.1 is a tenth, which no float is."""
    return Fraction(str(number))
