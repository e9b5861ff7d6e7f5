"""Finds values of the best trial at an end of what the study searched, beyond which better ones may lie."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from cluster.analysis.health.finding import Finding
from cluster.analysis.health.record import HealthRecord
from cluster.analysis.intervals import independent_difference
from cluster.spec.space import Choices, ParamValue, Range, canonical_json, format_param
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialRecord
from mnist_core.errors import SpecError

End = Literal["low", "high"]

FEWEST_TRIALS = 4
"""Of fewer trials, the best one may be anywhere."""
NEAR = 0.01
"""A value is at an end of its range if it is nearer than this part of the range."""
FEWEST_CHOICES = 3
"""Of two choices, one at an end always wins."""


def best_on_bound(record: HealthRecord) -> Iterator[Finding]:
    """Yields a finding for each searched number that the best trial has at an end, if the field allows values beyond.

    A choice among few numbers is often at an end: that counts only if the best trial is better than the best trial with
    another number, beyond chance.
    """
    summary = record.summary
    best = summary.best
    peers = [trial for trial in record.finished if best is not None and trial.model == best.model and trial.epochs]
    if best is None or len(peers) < FEWEST_TRIALS:
        return
    for field, entry in summary.spec.search.space.items():
        value = best.params.get(field)
        if not _is_number(value):
            continue
        if isinstance(entry, Range):
            end = _end_of_range(entry, float(str(value)))
            text = f"the {_name(end)} end of its range, {entry.low:g} to {entry.high:g}"
        else:
            end = _end_of_choices(entry, value) if _stands_out(record, best, field) else None
            text = f"the {'largest' if end == 'high' else 'smallest'} of its choices"
        beyond = None if end is None else _beyond(summary.spec, best, field, entry, end)
        if beyond is not None:
            yield Finding(
                "best-on-bound",
                f"the best trial, {best.number}, has {field} {format_param(value, 4)}, {text}",
                _remedy(field, entry, end or "high", beyond),
            )


def _name(end: End | None) -> str:
    return "upper" if end == "high" else "lower"


def _is_number(value: ParamValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _end_of_range(entry: Range, value: float) -> End | None:
    scale = math.log if entry.log else float
    low, high, place = scale(entry.low), scale(entry.high), scale(value)
    near = NEAR * (high - low)
    return "low" if place - low <= near else "high" if high - place <= near else None


def _end_of_choices(entry: Choices, value: ParamValue) -> End | None:
    numbers = _numbers(entry)
    if len(numbers) < max(FEWEST_CHOICES, len(entry.choices)):
        return None
    return "low" if value == numbers[0] else "high" if value == numbers[-1] else None


def _numbers(entry: Choices) -> list[int | float]:
    return sorted(
        choice for choice in entry.choices if isinstance(choice, int | float) and not isinstance(choice, bool)
    )


def _stands_out(record: HealthRecord, best: TrialRecord, field: str) -> bool:
    """Returns whether the best trial is better than the best one with another value of a field, beyond chance."""
    mine = canonical_json(best.params[field])
    ranked = [trial for trial in record.summary.ranked() if trial.model == best.model]
    other = next((trial for trial in ranked if canonical_json(trial.params.get(field)) != mine), None)
    if other is None or best.value is None or other.value is None:
        return False
    is_share = record.summary.spec.search.objective != "val/loss"
    if not (is_share and record.images):
        return best.value != other.value
    return not independent_difference(other.value, record.images, best.value, record.images).is_noise


def _beyond(spec: StudySpec, best: TrialRecord, field: str, entry: Range | Choices, end: End) -> ParamValue | None:
    """Returns a value beyond an end of the space that the field allows; None if it allows none."""
    for value in _candidates(entry, end):
        try:
            spec.resolve({**best.params, field: value})
        except SpecError:
            continue
        return value
    return None


def _candidates(entry: Range | Choices, end: End) -> Iterator[int | float]:
    """Yields values beyond an end, the farthest first: a fair step, and a small one for fields that end soon after."""
    if isinstance(entry, Range):
        low, high, is_log = entry.low, entry.high, entry.log
    else:
        numbers = _numbers(entry)
        low, high = numbers[0], numbers[-1]
        is_log = low > 0 and high / low >= len(numbers)
    is_integer = isinstance(low, int) and isinstance(high, int)
    for share in (0.25, 0.02):
        if is_log:
            factor = (high / low) ** share
            value = high * factor if end == "high" else low / factor
        else:
            value = high + share * (high - low) if end == "high" else low - share * (high - low)
        if is_integer:
            yield math.ceil(value) if end == "high" else math.floor(value)
        else:
            yield _rounded(value)


def _rounded(value: float) -> float:
    """Returns a number with two digits, as people write it."""
    return float(f"{value:.2g}")


def _remedy(field: str, entry: Range | Choices, end: End, beyond: ParamValue) -> str:
    if isinstance(entry, Choices):
        size = "larger" if end == "high" else "smaller"
        return f"add a {size} choice to search.space.{field}, such as {format_param(beyond)}"
    verb = "raise" if end == "high" else "lower"
    return f"{verb} search.space.{field}.{end}, for example to {format_param(beyond)}"


def numeric_values(trials: Sequence[TrialRecord], field: str) -> Mapping[int, float]:
    """Returns trial number -> its value of a searched field, of the trials that have a number there."""
    return {trial.number: float(str(trial.params[field])) for trial in trials if _is_number(trial.params.get(field))}
