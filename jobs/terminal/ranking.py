"""In which order a leaderboard lists trials, and how many."""

from collections.abc import Callable
from dataclasses import dataclass

from cluster.results.summary import StudySummary
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialRecord
from jobs.terminal.fields import searched_fields
from mnist_core.errors import RunDirError

USUAL_ROWS = 20

Key = Callable[[TrialRecord], object]


@dataclass(frozen=True)
class Ranking:
    """An order of trials.

    Attributes:
        by: the column to sort by, or a field's dotted name; None for the objective, best first.
        top: the number of trials to show; None for the usual number.
        shows_all: whether to show all trials.
    """

    by: str | None = None
    top: int | None = None
    shows_all: bool = False

    def shown(self, trials: int) -> int:
        """Returns how many of a study's trials to show."""
        return trials if self.shows_all else min(trials, self.top or USUAL_ROWS)

    def sort(self, summary: StudySummary) -> list[TrialRecord]:
        """Returns all trials in this order: those with a value first, ties by number.

        Raises:
            RunDirError: there is no such column.
        """
        spec = summary.spec
        if self.by is None or self.by == spec.search.objective:
            return _sorted(summary, lambda trial: trial.value, spec.search.direction.is_better(1.0, 0.0))
        keys = _keys(spec)
        if self.by not in keys:
            raise RunDirError(f"there is no column {self.by!r} to sort by: choose from {', '.join(keys)}")
        return _sorted(summary, keys[self.by], self.by in ("val", "test", "train") and _maximizes(spec))


def _maximizes(spec: StudySpec) -> bool:
    return spec.search.direction.is_better(1.0, 0.0)


def _keys(spec: StudySpec) -> dict[str, Key]:
    objective = spec.search.objective
    tested = objective.replace("val/", "test/")
    trained = "train/loss" if objective == "val/loss" else "train/accuracy"
    keys: dict[str, Key] = {
        "trial": lambda trial: trial.number,
        "network": lambda trial: trial.model,
        "state": lambda trial: trial.state.value,
        "epochs": lambda trial: trial.epochs,
        "train": lambda trial: trial.metrics.get(trained),
        "val": lambda trial: trial.value,
        "test": lambda trial: (trial.test or {}).get(tested),
        "time": lambda trial: trial.seconds,
    }
    for field in searched_fields(spec):
        keys[field.header] = keys[".".join(field.path)] = lambda trial, field=field: field.value(trial.params)  # type: ignore[misc]
    return keys


def _sorted(summary: StudySummary, key: Key, is_descending: bool) -> list[TrialRecord]:
    """Sorts numbers by size and other values by their text; a trial without a value comes last."""
    values = {trial.number: key(trial) for trial in summary.trials}
    with_value = [trial for trial in summary.trials if _is_comparable(values[trial.number])]
    without = [trial for trial in summary.trials if not _is_comparable(values[trial.number])]
    are_numbers = all(isinstance(values[trial.number], int | float) for trial in with_value)
    order: Key = (lambda trial: values[trial.number]) if are_numbers else (lambda trial: str(values[trial.number]))
    return [*sorted(with_value, key=order, reverse=is_descending), *without]  # type: ignore[arg-type]


def _is_comparable(value: object) -> bool:
    return value is not None and value == value  # NaN is not equal to itself
