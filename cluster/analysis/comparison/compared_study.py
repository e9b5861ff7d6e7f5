"""Reads the studies that are compared, and gives each a name of its own."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cluster.analysis.study_record import RecordedTrial, StudyRecord, read_study_record
from cluster.results.predictions import TestPredictions, read_predictions
from cluster.run_dir.paths import RunDir
from cluster.trial import TrialRecord, TrialState
from mnist_core.errors import InputError
from mnist_core.heads import DIGIT


@dataclass(frozen=True)
class ComparedStudy:
    """One of the studies.

    Attributes:
        label: its name; its folder if another study has the same name.
        run_dir: of the study.
        record: what it has recorded.
        predictions: trial number -> what it predicts for the test images; only of the best of each kind of network.
    """

    label: str
    run_dir: RunDir
    record: StudyRecord
    predictions: Mapping[int, TestPredictions]

    @property
    def best(self) -> RecordedTrial | None:
        """The best complete trial; None before the first."""
        return next(self.record.best_of_each_kind(), None)

    @property
    def complete(self) -> list[TrialRecord]:
        """The complete trials, by number."""
        return [trial for trial in self.record.summary.trials if trial.state is TrialState.COMPLETE]

    @cached_property
    def validation_images(self) -> int:
        """How many images its trials are validated on; 0 before the first epoch."""
        for each in self.record.trials:
            if each.measurements and DIGIT.name in each.measurements[-1].confusion:
                return sum(map(sum, each.measurements[-1].confusion[DIGIT.name]))
        return 0

    def test_images(self, number: int) -> int:
        """Returns how many test images a trial was scored on; 0 if that is not recorded."""
        return len(self.predictions[number].labels) if number in self.predictions else 0

    @property
    def data(self) -> object:
        """The fingerprint of its images; None if it is not recorded."""
        return self.record.environment.get("data_fingerprint")


def digits_right(metrics: Mapping[str, float], prefix: str) -> float | None:
    """Returns the share of digits read right; `prefix`: "val" or "test"."""
    return metrics.get(f"{prefix}/digit_accuracy", metrics.get(f"{prefix}/accuracy"))


def read_compared_studies(paths: Sequence[Path]) -> list[ComparedStudy]:
    """Reads studies, even while they are running.

    Raises:
        InputError: there are fewer than two, or one is named twice.
        RunDirError: a store cannot be read.
        SpecError: a spec cannot be read, or is no longer the one that its study was started with.
    """
    if len(paths) < 2:
        raise InputError(f"compare needs at least two run directories, but got {len(paths)}: name another one")
    real = Counter(path.resolve() for path in paths)
    twice = next((path for path in paths if real[path.resolve()] > 1), None)
    if twice is not None:
        raise InputError(f"{twice} is named more than once: name different run directories")
    run_dirs = [RunDir.open(path) for path in paths]
    records = [read_study_record(run_dir) for run_dir in run_dirs]
    labels = _labels([record.summary.spec.name for record in records], paths)
    return [
        ComparedStudy(label, run_dir, record, {each.trial: each for each in read_predictions(run_dir.predictions)})
        for label, run_dir, record in zip(labels, run_dirs, records, strict=True)
    ]


def _labels(names: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """Returns the names, if they differ, else the names of the folders, if they differ, else the paths."""
    for candidates in (list(names), [path.resolve().name for path in paths]):
        if len(set(candidates)) == len(candidates):
            return candidates
    return [str(path) for path in paths]
