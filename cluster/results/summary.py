"""Reads a whole study from its run directory into one value, which `show` draws or prints as JSON."""

from dataclasses import dataclass, replace

from cluster.run_dir.paths import RunDir
from cluster.run_dir.recorded_spec import load_run_spec
from cluster.spec.study_spec import StudySpec
from cluster.store.reader import StudyReader
from cluster.store.rows import StudyState
from cluster.trial import TrialRecord, TrialState


@dataclass(frozen=True)
class StudySummary:
    """A study, as recorded in its store.

    Attributes:
        state: "running" while a process runs it; "interrupted" if none does and trials remain.
        reason: why it ended before its last trial, if it did.
        trials: all trials, by number.
    """

    spec: StudySpec
    state: StudyState
    reason: str | None
    trials: tuple[TrialRecord, ...]

    @property
    def best(self) -> TrialRecord | None:
        """The complete trial with the best objective; of equal ones, the first."""
        return next(iter(self.ranked()), None)

    @property
    def is_over(self) -> bool:
        """Whether no trial remains to be trained: all are finished, or one reached `stop.objective`."""
        goal, best = self.spec.stop.objective, self.best
        if goal is not None and best is not None and self.spec.search.direction.reaches(best.value or 0.0, goal):
            return True
        return sum(trial.state.is_finished() for trial in self.trials) >= self.spec.trials

    def ranked(self) -> list[TrialRecord]:
        """Returns the complete trials, best first."""
        direction = self.spec.search.direction
        complete = [trial for trial in self.trials if trial.state is TrialState.COMPLETE]
        return sorted(complete, key=lambda trial: direction.rank_key(trial.value or 0.0, trial.number))

    def best_of_each_kind(self) -> list[TrialRecord]:
        """Returns the best complete trial of each kind of network, best first."""
        best: dict[str, TrialRecord] = {}
        for trial in self.ranked():
            best.setdefault(trial.model, trial)
        return list(best.values())

    def counts(self) -> dict[str, int]:
        """Returns the number of trials in each state that occurs."""
        states = [trial.state for trial in self.trials]
        return {state.value: states.count(state) for state in TrialState if state in states}

    def as_json(self) -> dict[str, object]:
        """Returns the document that `show --json` prints; its numbers may be NaN or infinite."""
        best = self.best
        return {
            "name": self.spec.name,
            "state": self.state,
            "reason": self.reason,
            "objective": self.spec.search.objective,
            "trials": [trial_document(trial) for trial in self.trials],
            "best": best
            and {
                "number": best.number,
                "value": best.value,
                "metrics": dict(best.metrics),
                "test": best.test and dict(best.test),
            },
        }


def read_summary(run_dir: RunDir) -> StudySummary:
    """Summarizes the study in a run directory, even while it is running.

    Raises:
        RunDirError: the store cannot be read.
        SpecError: the spec cannot be read, or is no longer the one that the study was started with.
    """
    spec = load_run_spec(run_dir)
    with StudyReader.open(run_dir.store) as reader:
        while True:
            version = reader.data_version()
            with reader.snapshot():
                summary = summarize(spec, reader)
            if run_dir.is_locked():
                return replace(summary, state="running", reason=None)
            if reader.data_version() == version:
                break  # else a driver wrote to it and ended, before it could be seen here
    if summary.state == "running":
        return replace(summary, state="interrupted", reason="its driver stopped unexpectedly")
    return summary


def summarize(spec: StudySpec, reader: StudyReader) -> StudySummary:
    """Summarizes a study from its open store; the state is the one last written."""
    state, reason = reader.study()
    return StudySummary(spec, state, reason, tuple(reader.trials()))


def trial_document(trial: TrialRecord) -> dict[str, object]:
    """Returns a trial as `show --json` prints it; its numbers may be NaN or infinite."""
    return {
        "number": trial.number,
        "state": trial.state.value,
        "model": trial.model,
        "params": trial.params,
        "epochs": trial.epochs,
        "value": trial.value,
        "metrics": dict(trial.metrics),
        "test": trial.test and dict(trial.test),
        "attempts": trial.attempts,
        "seconds": round(trial.seconds, 3),
        "worker": trial.worker,
        "error": trial.error,
        "weights_sha256": trial.weights_sha256,
    }
