"""Translates an entry of a space from the words of another tool, if it can be seen what is meant."""

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from pydantic import JsonValue

from cluster.spec.foreign.calls import Call, Value, read_expression
from cluster.spec.space import ENTRY_KEYS

Entry = Mapping[str, JsonValue]

LOW = ("low", "lower", "min", "minimum", "from", "start", "minValue", "min_value")
HIGH = ("high", "upper", "max", "maximum", "to", "stop", "end", "maxValue", "max_value")
STEP = ("step", "q", "step_size", "quantization")
CHOICES = ("choices", "choice", "values", "value", "options", "categories", "candidates", "grid_search", "sequence")
BOUNDS = ("bounds", "range", "interval", "_value")
KIND = ("distribution", "type", "_type", "name", "prior", "sampling", "scale", "scaling", "scaleType")
WRAPPERS = ("attributes", "feasibleSpace", "feasible_space", "doubleValueSpec", "integerValueSpec")
WORDS = frozenset((*LOW, *HIGH, *STEP, *CHOICES, *BOUNDS, *WRAPPERS, "distribution", "_type", "mu", "sigma"))
"""The keys by which an entry is recognized."""

EXCLUSIVE = ("randint", "lograndint")
"""Kinds whose upper bound is not a value."""
EXPONENTIAL = ("log_uniform", "q_log_uniform")
"""W&B's kinds whose bounds are natural logarithms."""
SIGNIFICANT_DIGITS = 4
CALLS = {
    **dict.fromkeys(("choice", "grid_search", "shuffle", "suggest_categorical", "Categorical"), "choice"),
    **dict.fromkeys(("CategoricalDistribution", "ChoiceParameterConfig"), "choice"),
    **dict.fromkeys(
        ("uniform", "suggest_uniform", "suggest_float", "suggest_int", "interval", "uniformint"), "uniform"
    ),
    **dict.fromkeys(("FloatDistribution", "IntDistribution", "UniformDistribution", "Real", "Integer"), "uniform"),
    "uniformint": "uniform",
    **dict.fromkeys(("quniform", "qrandint", "suggest_discrete_uniform", "RangeParameterConfig"), "uniform"),
    **dict.fromkeys(("loguniform", "qloguniform", "suggest_loguniform", "LogUniformDistribution"), "loguniform"),
    **{name: name for name in EXCLUSIVE},
    "range": "arange",
    "qlograndint": "loguniform",
    **dict.fromkeys(("randn", "qrandn", "normal", "qnormal", "lognormal", "qlognormal"), "normal"),
}
"""Function of another tool -> the kind of entry that it gives."""


class UnclearEntry(Exception):
    """An entry that is neither ours nor translated; its text says why, if that is known."""


def translated(entry: JsonValue) -> Entry | None:
    """Returns the entry in our words; None if it is in our words already, or misspelled ones.

    Raises:
        UnclearEntry: it cannot be seen what is meant.
    """
    match entry:
        case list() if entry:
            return {"choices": entry}
        case bool() | int() | float():
            return {"choices": [entry]}
        case str():
            return _from_text(entry)
        case dict() if entry.keys() <= {*ENTRY_KEYS} and entry:
            is_single = "low" in entry and entry["low"] == entry.get("high")
            return {"choices": [entry["low"]]} if is_single else None
        case dict() if entry.keys() & WORDS:
            return _from_words(entry)
    raise UnclearEntry("")


def _from_text(text: str) -> Entry | None:
    try:
        value = read_expression(text)
    except ValueError as err:
        raise UnclearEntry("") from err
    if isinstance(value, list) and value:
        return {"choices": value}
    if isinstance(value, Call):
        return _from_words(_words_of(value))
    if value is None or isinstance(value, list):
        raise UnclearEntry("")
    return {"choices": [value]}


def _words_of(call: Call) -> dict[str, Any]:
    """Returns the call as an entry in words: its function as `type`, its arguments by name."""
    module, _, function = call.name.rpartition(".")
    inner = [argument for argument in call.positional if isinstance(argument, Call)]
    if len(inner) == 1 and function in ("tag", "int", "float"):
        tags = [argument for argument in call.positional if isinstance(argument, str)]
        return {**_words_of(inner[0]), "scale": " ".join(tags)}
    kind = CALLS.get(function)
    if kind is None or inner:
        raise UnclearEntry("")
    positional = list(call.positional)
    if len(positional) > 1 and isinstance(positional[0], str) and (module == "hp" or function.startswith("suggest_")):
        del positional[0]  # the parameter's name
    words: dict[str, Any] = {"type": kind, **call.named}
    if kind == "choice":
        if positional:
            is_listed = len(positional) == 1 and isinstance(positional[0], list)
            words["choices"] = positional[0] if is_listed else positional
    elif kind == "arange" and len(positional) == 1:
        words.update(low=0, high=positional[0])
    else:
        words.update(zip(("low", "high", "step"), positional, strict=False))
    if module == "hp" and kind == "loguniform":
        words["distribution"] = EXPONENTIAL[0]
    return words


def _from_words(entry: Mapping[str, Any]) -> Entry | None:
    for wrapper in WRAPPERS:
        if isinstance(inner := entry.get(wrapper), Mapping):
            entry = {**entry, **inner}
    kinds = [str(entry[key]) for key in KIND if key in entry]
    if any("normal" in kind for kind in kinds):
        raise UnclearEntry("there are no normal distributions")
    values, bounds = _first(entry, CHOICES), _first(entry, BOUNDS)
    if values is None and isinstance(bounds, list) and "choice" in kinds:
        values = bounds
    if values is not None:
        return {"choices": values if isinstance(values, list) else [values]}
    if isinstance(bounds, list):
        entry = {**entry, **dict(zip(("low", "high", "step"), bounds, strict=False))}
    return _range_from_words(entry, kinds)


def _range_from_words(entry: Mapping[str, Any], kinds: Sequence[str]) -> Entry | None:
    low, high = _number(_first(entry, LOW)), _number(_first(entry, HIGH))
    if low is None or high is None:
        if {*entry} & {"low", "high"}:
            return None
        raise UnclearEntry("")
    is_log = any("log" in kind.lower() for kind in kinds) or True in (entry.get("log"), entry.get("log_scale"))
    return _range(low, high, is_log, _number(_first(entry, STEP)), kinds)


def _range(low: float, high: float, is_log: bool, step: float | None, kinds: Sequence[str]) -> Entry:
    if {*kinds} & {*EXPONENTIAL}:
        low, high = (float(f"{math.exp(min(bound, 99.0)):.{SIGNIFICANT_DIGITS}g}") for bound in (low, high))
    if "arange" in kinds:  # as Python's range, without its end
        step = 1 if step is None else step
        high = _last_before(low, high, step)
    elif {*kinds} & {*EXCLUSIVE} and isinstance(high, int):
        high -= 1
    if low == high:
        return {"choices": [low]}
    if low > high or (is_log and low <= 0):
        raise UnclearEntry("")
    spread: dict[str, JsonValue] = {"log": True} if is_log else ({} if step is None else {"step": step})
    return {"low": low, "high": high, **spread}


def _last_before(start: float, stop: float, step: float) -> float:
    first, end, width = (Fraction(str(number)) for number in (start, stop, step))
    if width <= 0 or end <= first:
        raise UnclearEntry("")
    last = first + (math.ceil((end - first) / width) - 1) * width
    return int(last) if isinstance(start, int) and isinstance(step, int) else float(last)


def _first(entry: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((entry[key] for key in keys if entry.get(key) is not None), None)


def _number(value: Value) -> int | float | None:
    """Returns a number, also one that is written as a string; None for anything else."""
    if isinstance(value, str):
        try:
            value = int(value) if value.lstrip("+-").isdecimal() else float(value)
        except ValueError:
            return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else None  # type: ignore[return-value]
