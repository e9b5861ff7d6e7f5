"""Reads from a run directory all that a report shows: the study, and the epochs and attempts of its best trials."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.results.summary import StudySummary, read_summary, summarize
from cluster.run_dir.environment import recorded_environment
from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.time_spent import StudyTimes, study_times
from cluster.trial import AttemptRecord, TrialRecord, TrialState
from mnist_core.measurement import Measurement

MOST_TRIALS = 1000
"""How many trials a report shows: beyond, it would be too large to send and too dense to read."""


@dataclass(frozen=True)
class RecordedTrial:
    """One trial with its epochs and attempts.

    Attributes:
        trial: its record.
        epochs: how many epochs it would train if nothing stopped it.
        measurements: its measurements, by epoch.
        attempts: its attempts, in order.
    """

    trial: TrialRecord
    epochs: int
    measurements: Sequence[Measurement]
    attempts: Sequence[AttemptRecord]


@dataclass(frozen=True)
class StudyRecord:
    """A study with the epochs and attempts of its trials.

    Attributes:
        summary: the study, with all its trials.
        trials: the best `MOST_TRIALS` trials, best first: see `ranked_trials`.
        times: where its time went; None if that is not recorded.
        environment: versions, host, processor; {} if they are not recorded.
    """

    summary: StudySummary
    trials: Sequence[RecordedTrial]
    times: StudyTimes | None
    environment: Mapping[str, Any]

    @property
    def started_at(self) -> float | None:
        """When the first attempt started, in Unix seconds; None before."""
        return min((attempt.started_at for each in self.trials for attempt in each.attempts), default=None)

    def by_number(self) -> list[RecordedTrial]:
        """Returns the trials in the order in which they were proposed."""
        return sorted(self.trials, key=lambda each: each.trial.number)

    def best_of_each_kind(self) -> Iterator[RecordedTrial]:
        """Yields the best complete trial of each kind of network, best first."""
        found = {each.trial.number: each for each in self.trials}
        for trial in self.summary.best_of_each_kind():
            if trial.number in found:
                yield found[trial.number]


def read_study_record(run_dir: RunDir, most: int = MOST_TRIALS, *, is_over: bool = False) -> StudyRecord:
    """Reads a study, even while it is running.

    Args:
        run_dir: of the study.
        most: how many trials to read with their epochs.
        is_over: whether the process that asks has just run the study to its end: it still holds the lock.

    Raises:
        RunDirError: the store cannot be read.
        SpecError: the spec cannot be read, or is no longer the one that the study was started with.
    """
    summary = read_summary(run_dir)
    with StudyReader.open(run_dir.store) as reader:
        if is_over:
            summary = summarize(summary.spec, reader)
        trials = [
            RecordedTrial(
                trial,
                summary.spec.resolve(trial.params)[1].epochs,
                reader.measurements(trial.number),
                reader.attempts(trial.number),
            )
            for trial in ranked_trials(summary)[:most]
        ]
        times = study_times(reader.times_spent())
        environment = json.loads(recorded_environment(run_dir, reader) or "{}")
    return StudyRecord(summary, trials, times, environment)


def ranked_trials(summary: StudySummary) -> list[TrialRecord]:
    """Returns all trials, best first: complete ones, pruned ones by how far they came, the others by number.

    A pruned trial may have a better value than a complete one, which would have been worse at the same epoch.
    """
    direction = summary.spec.search.direction
    pruned = [trial for trial in summary.trials if trial.state is TrialState.PRUNED and trial.value is not None]
    pruned.sort(key=lambda trial: (-trial.epochs, *direction.rank_key(trial.value or 0.0, trial.number)))
    ranked = [*summary.ranked(), *pruned]
    known = {trial.number for trial in ranked}
    return [*ranked, *(trial for trial in summary.trials if trial.number not in known)]
