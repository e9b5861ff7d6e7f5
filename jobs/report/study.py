"""One study as its report sees it: what is recorded, what its best networks predict, and the images."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from cluster.analysis.endings import endings
from cluster.analysis.parameters import ParameterColumn, parameter_columns
from cluster.analysis.study_record import RecordedTrial, StudyRecord, read_study_record
from cluster.results.predictions import TestPredictions, read_predictions
from cluster.run_dir.paths import RunDir
from mnist_core.config import MODELS
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.dataset import Dataset
from mnist_core.errors import MxtrialsError


@dataclass(frozen=True)
class ReportedStudy:
    """Everything that the sections of a report draw from.

    Attributes:
        run_dir: of the study.
        record: what it has recorded.
        predictions: trial number -> what it predicts for the test images; only of the best of each kind of network.
        dataset: its images; None if this machine does not have them, or they have changed.
        now: when the report is made, in Unix seconds.
    """

    run_dir: RunDir
    record: StudyRecord
    predictions: Mapping[int, TestPredictions]
    dataset: Dataset | None
    now: float

    @property
    def objective(self) -> str:
        """The metric that the study optimises, such as `val/accuracy`."""
        return self.record.summary.spec.search.objective

    @property
    def trials(self) -> Sequence[RecordedTrial]:
        """The trials that the report shows, best first."""
        return self.record.trials

    @cached_property
    def kinds(self) -> list[str]:
        """The kinds of network that the trials have, in the order of their colours."""
        used = {each.trial.model for each in self.trials}
        return [*(kind for kind in MODELS if kind in used), *sorted(used - MODELS.keys())]

    @cached_property
    def states(self) -> list[str]:
        """The states that the trials with a value have."""
        return list(dict.fromkeys(each.trial.state.value for each in self.trials if each.trial.value is not None))

    @cached_property
    def columns(self) -> list[ParameterColumn]:
        """The searched fields that differ between the trials."""
        params = {each.trial.number: each.trial.params for each in self.record.by_number()}
        return parameter_columns(self.record.summary.spec.search.space, params)

    @cached_property
    def endings(self) -> Mapping[int, str]:
        """Trial number -> why it ended, in one sentence; "" if there is nothing to say."""
        return endings(self.record)

    @cached_property
    def parameters(self) -> Mapping[int, str]:
        """Trial number -> its parameters in one line."""
        return {each.trial.number: self._parameters(each.trial.number) for each in self.trials}

    def _parameters(self, number: int) -> str:
        parts = (f"{column.label} {column.texts[number]}" for column in self.columns if number in column.texts)
        return ", ".join(parts)


def read_reported_study(run_dir: RunDir, *, is_over: bool = False) -> ReportedStudy:
    """Reads a study for its report, even while it is running; `is_over` if this process has just ended it.

    Raises:
        RunDirError: the store cannot be read.
        SpecError: the spec cannot be read, or is no longer the one that the study was started with.
    """
    record = read_study_record(run_dir, is_over=is_over)
    predictions = {each.trial: each for each in read_predictions(run_dir.predictions)}
    return ReportedStudy(run_dir, record, predictions, _find_dataset(record), time.time())


def _find_dataset(record: StudyRecord) -> Dataset | None:
    """Returns the images that the study trains on; None if they are not here, for the run may have been copied."""
    try:
        dataset = open_dataset(record.summary.spec.data.source, cache_dir=default_cache_dir())
    except MxtrialsError:
        return None
    known = record.environment.get("data_fingerprint")
    return dataset if known in (None, dataset.fingerprint) else None
