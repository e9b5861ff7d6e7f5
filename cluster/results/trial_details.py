"""Reads one trial from its run directory into one value, which `show --trial` draws or prints as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cluster.results.summary import StudySummary, trial_document
from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.trial import AttemptRecord, TrialRecord
from mnist_core.errors import RunDirError
from mnist_core.measurement import Measurement


@dataclass(frozen=True)
class TrialDetails:
    """Everything recorded about one trial.

    Attributes:
        trial: the trial's record.
        attempts: its attempts, in order.
        measurements: its measurements, by epoch.
    """

    trial: TrialRecord
    attempts: Sequence[AttemptRecord]
    measurements: Sequence[Measurement]

    @property
    def last_failure(self) -> AttemptRecord | None:
        """The last attempt that failed, with its error and traceback; None if none did."""
        return next((attempt for attempt in reversed(self.attempts) if attempt.error), None)

    @property
    def started_at(self) -> float | None:
        """When its first attempt started, Unix time in seconds; None before."""
        return self.attempts[0].started_at if self.attempts else None

    @property
    def ended_at(self) -> float | None:
        """When its last attempt ended, Unix time in seconds; None before."""
        return self.attempts[-1].ended_at if self.attempts else None

    def as_json(self) -> dict[str, object]:
        """Returns the trial as in `show --json`, plus its seed, traceback, epochs and a log of its attempts."""
        return {
            **trial_document(self.trial),
            "seed": self.trial.seed,
            "traceback": self.trial.traceback,
            "measurements": [
                {"epoch": each.epoch, "elapsed_s": each.elapsed_s, "metrics": dict(each.metrics)}
                for each in self.measurements
            ],
            "attempt_log": [asdict(attempt) for attempt in self.attempts],
        }


def read_trial(run_dir: RunDir, number: int) -> TrialDetails:
    """Reads one trial, even while its study is running.

    Raises:
        RunDirError: the store cannot be read, or has no such trial.
    """
    with StudyReader.open(run_dir.store) as reader:
        return details_of(reader, number, run_dir)


def details_of(reader: StudyReader, number: int, run_dir: RunDir) -> TrialDetails:
    """Reads one trial from its open store: its record, attempts and measurements are those of one moment.

    Raises:
        RunDirError: the store cannot be read, or has no such trial.
    """
    with reader.snapshot():
        trial = find_trial(reader.trials(), number, run_dir)
        return TrialDetails(trial, reader.attempts(number), reader.measurements(number))


def find_trial(trials: Sequence[TrialRecord], number: int, run_dir: RunDir) -> TrialRecord:
    """Returns the trial with this number.

    Raises:
        RunDirError: there is none.
    """
    found = next((trial for trial in trials if trial.number == number), None)
    if found is None:
        numbers = f"its trials are 0 to {len(trials) - 1}" if trials else "it has none yet"
        raise RunDirError(f"{run_dir.path} has no trial {number}: {numbers}")
    return found


def choose_trial(summary: StudySummary, number: int | None, run_dir: RunDir) -> TrialRecord:
    """Returns the trial with this number, or the best trial if the number is None.

    Raises:
        RunDirError: there is no such trial, or none is complete.
    """
    if number is not None:
        return find_trial(summary.trials, number, run_dir)
    if summary.best is None:
        raise RunDirError(f"{run_dir.path} has no complete trial yet: choose one with --trial")
    return summary.best
