"""What the best trial of a study must reach, as `--require` states it."""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cluster.spec.study_spec import OBJECTIVES, StudySpec
from mnist_core.errors import SpecError


@dataclass(frozen=True)
class Requirement:
    """A metric of the best trial, and the value that it must reach: at least, or for a loss at most."""

    metric: str
    bound: float

    @property
    def is_loss(self) -> bool:
        """Whether a smaller value is better."""
        return self.metric.endswith("/loss")


@dataclass(frozen=True)
class Verdict:
    """A requirement, and what the best trial has; None if it has no such value."""

    requirement: Requirement
    value: float | None

    @property
    def is_met(self) -> bool:
        """Whether the value reaches the bound."""
        if self.value is None or math.isnan(self.value):
            return False
        bound = self.requirement.bound
        return self.value <= bound if self.requirement.is_loss else self.value >= bound

    def as_json(self) -> dict[str, object]:
        """Returns the document that `run --json` prints for it; its numbers may be NaN or infinite."""
        requirement = self.requirement
        limit = "at_most" if requirement.is_loss else "at_least"
        return {"metric": requirement.metric, limit: requirement.bound, "value": self.value, "met": self.is_met}

    def complaint(self) -> str:
        """Returns in a few words how the value falls short."""
        requirement = self.requirement
        limit = f"{'at most' if requirement.is_loss else 'at least'} {requirement.bound:g}"
        if self.value is None:
            return f"it has no {requirement.metric}, which should be {limit}"
        return f"its {requirement.metric} is {self.value:.6g}, which should be {limit}"


def parse_requirements(texts: Sequence[str], spec: StudySpec) -> list[Requirement]:
    """Parses requirements such as "val/accuracy=0.98".

    Raises:
        SpecError: a text is not of this form, or the best trial might not have such a metric.
    """
    return [_parse(text, _metrics(spec)) for text in texts]


def judge(requirements: Sequence[Requirement], values: Mapping[str, float]) -> list[Verdict]:
    """Returns how the best trial of a study does; values: its metrics, also on the test images; {} if there is none."""
    return [Verdict(requirement, values.get(requirement.metric)) for requirement in requirements]


def _parse(text: str, metrics: Sequence[str]) -> Requirement:
    name, _, number = text.partition("=")
    try:
        bound = float(number)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise SpecError(f"--require is {text!r}, expected a metric and a number, e.g. val/accuracy=0.98")
    if name not in metrics:
        close = difflib.get_close_matches(name, metrics, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise SpecError(f"--require names {name!r}, which this study does not measure: {hint}use {', '.join(metrics)}")
    if name.endswith("accuracy") and not 0 <= bound <= 1:
        raise SpecError(f"--require is {text!r}, but an accuracy is from 0 to 1: 98 % is 0.98")
    return Requirement(name, bound)


def _metrics(spec: StudySpec) -> list[str]:
    """Returns the metrics that every network of a study has."""
    of_kinds = [OBJECTIVES[kind] for kind in spec.model_kinds]
    validated = [name for name in of_kinds[0] if all(name in others for others in of_kinds)]
    return [*validated, *(name.replace("val/", "test/") for name in validated), "train/accuracy", "train/loss"]
