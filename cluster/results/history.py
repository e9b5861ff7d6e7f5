"""Reads a whole study with every epoch and every attempt of its trials, for exports."""

from collections.abc import Sequence
from dataclasses import dataclass

from cluster.results.summary import StudySummary, summarize
from cluster.results.trial_details import TrialDetails
from cluster.run_dir.paths import RunDir
from cluster.run_dir.recorded_spec import load_run_spec
from cluster.store.reader import StudyReader
from mnist_core.measurement import Measurement


@dataclass(frozen=True)
class StudyHistory:
    """A study with all that is recorded about its trials.

    Attributes:
        summary: the study.
        trials: its trials, by number.
    """

    summary: StudySummary
    trials: Sequence[TrialDetails]

    def measured(self) -> list[tuple[int, Measurement]]:
        """Returns each measurement with the number of its trial, by trial and epoch."""
        return [(each.trial.number, one) for each in self.trials for one in each.measurements]


def read_history(run_dir: RunDir) -> StudyHistory:
    """Reads the study in a run directory as it is at one moment, even while it is running.

    Raises:
        RunDirError: the store cannot be read.
        SpecError: the spec cannot be read, or is no longer the one that the study was started with.
    """
    spec = load_run_spec(run_dir)
    with StudyReader.open(run_dir.store) as reader, reader.snapshot():
        summary = summarize(spec, reader)
        details = [
            TrialDetails(trial, reader.attempts(trial.number), reader.measurements(trial.number))
            for trial in summary.trials
        ]
    return StudyHistory(summary, details)
