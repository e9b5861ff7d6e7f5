"""Reads from a run directory what the checks need to know of a study."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from cluster.results.summary import StudySummary
from cluster.run_dir.environment import recorded_environment
from cluster.run_dir.paths import RunDir
from cluster.spec.strategies import AshaPruner, MedianPruner, NoPruner
from cluster.store.reader import StudyReader
from cluster.trial import DIVERGED, Report, TrialRecord, TrialState
from mnist_core.heads import DIGIT
from mnist_core.measurement import Measurement

MOST_REPLAYED_TRIALS = 1000
"""How many trials are replayed at most: reading their epochs takes about 0.05 s."""
FEWEST_REPLAYED_TRIALS = 4

_SAME_ANSWER = 0.99
"""A network that gives at least this share of its answers to one class has learned nothing from the images."""


@dataclass(frozen=True)
class PrunerSaving:
    """What a pruner would have saved.

    Attributes:
        pruner: its kind.
        saved: how many epochs it would not have trained.
        trained: how many epochs were trained.
    """

    pruner: str
    saved: int
    trained: int


@dataclass(frozen=True)
class HealthRecord:
    """What the checks need to know of a study.

    Attributes:
        summary: the study, with all its trials.
        images: how many images a trial is validated on; 0 before the first epoch.
        largest_class: the share of the digit that most of these images show; 0 before the first epoch.
        constant: the finished trials whose last epoch read the same digit in nearly all images.
        saving: what the best pruner would have saved; None unless the study has none, and enough trials.
        largest_pixel: of the images; None if that is not recorded.
    """

    summary: StudySummary
    images: int = 0
    largest_class: float = 0.0
    constant: frozenset[int] = frozenset()
    saving: PrunerSaving | None = None
    largest_pixel: int | None = None

    @property
    def finished(self) -> list[TrialRecord]:
        """The trials that have ended, by number."""
        return [trial for trial in self.summary.trials if trial.state.is_finished()]


def has_diverged(trial: TrialRecord) -> bool:
    """Returns whether a trial ended because its loss was not finite."""
    return trial.state is TrialState.FAIL and trial.error == DIVERGED


def digit_accuracy(trial: TrialRecord) -> float | None:
    """Returns the share of validation digits that a trial read right after its last epoch."""
    return trial.metrics.get("val/digit_accuracy", trial.metrics.get("val/accuracy"))


def read_health_record(run_dir: RunDir, summary: StudySummary) -> HealthRecord:
    """Reads what the checks need beside the summary, even while the study is running.

    Raises:
        RunDirError: the store cannot be read.
    """
    with StudyReader.open(run_dir.store) as reader:
        counts = _label_counts(summary, reader)
        images = sum(counts)
        largest_class = max(counts) / images if images else 0.0
        environment = json.loads(recorded_environment(run_dir, reader) or "{}")
        pixel = environment.get("largest_pixel")
        return HealthRecord(
            summary,
            images,
            largest_class,
            _constant(summary, reader, largest_class),
            _saving(summary, reader),
            pixel if isinstance(pixel, int) else None,
        )


def _label_counts(summary: StudySummary, reader: StudyReader) -> Sequence[int]:
    """Returns how many validation images show each digit, from the confusion matrix of the first measured trial."""
    first = next((trial.number for trial in summary.trials if trial.epochs), None)
    measured = None if first is None else reader.last_measurement(first)
    counts = measured.confusion.get(DIGIT.name, ()) if measured is not None else ()
    return [sum(line) for line in counts]


def _constant(summary: StudySummary, reader: StudyReader, largest_class: float) -> frozenset[int]:
    # A constant answer is right for one class at most; its confusion matrix is read only if its accuracy is no better.
    suspects = (
        trial.number
        for trial in summary.trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        and (digit_accuracy(trial) or 0.0) <= largest_class + (1 - _SAME_ANSWER)
    )
    return frozenset(number for number in suspects if _is_constant(reader.last_measurement(number)))


def _is_constant(measured: Measurement | None) -> bool:
    counts = measured.confusion.get(DIGIT.name, ()) if measured is not None else ()
    answers = [sum(column) for column in zip(*counts, strict=True)]
    return bool(answers) and max(answers) >= _SAME_ANSWER * sum(answers) > 0


def _saving(summary: StudySummary, reader: StudyReader) -> PrunerSaving | None:
    """Returns what the better of two pruners would have saved without stopping the best trial of any network."""
    spec = summary.spec
    trials = [trial for trial in summary.trials if trial.state.is_finished() and trial.epochs]
    is_worth_it = FEWEST_REPLAYED_TRIALS <= len(trials) <= MOST_REPLAYED_TRIALS and spec.max_epochs > 1
    if not is_worth_it or not isinstance(spec.search.pruner, NoPruner):
        return None
    from cluster.search.replay import epochs_after, replay_pruner  # only this check needs Optuna

    reports = _finite(reader.reports(spec.search.objective))
    best = {trial.number for trial in summary.best_of_each_kind()}
    savings = []
    for pruner in (AshaPruner(), MedianPruner()):
        stopped = replay_pruner(spec, pruner, trials, reports)
        if not best & stopped.keys():
            trained = sum(trial.epochs for trial in trials)
            savings.append(PrunerSaving(pruner.kind, epochs_after(stopped, trials), trained))
    return max(savings, key=lambda each: each.saved, default=None)


def _finite(reports: Sequence[Report]) -> list[Report]:
    return [report for report in reports if math.isfinite(report.value)]
