"""A study in one value, read from its run directory: what `show` prints, as a table or as JSON."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

from cluster.run_dir.paths import RunDir
from cluster.spec.spec_file import load_spec
from cluster.spec.study_spec import StudySpec
from cluster.store.reader import StudyReader
from cluster.store.rows import StudyState
from cluster.trial import TrialRecord, TrialState


@dataclass(frozen=True)
class StudySummary:
    """A study as its store has it now.

    Attributes:
        state: "running" while a process drives it; "interrupted" when none does and trials are left.
        reason: why it stopped before its last trial, if it did.
        trials: by number.
    """

    spec: StudySpec
    state: StudyState
    reason: str | None
    trials: tuple[TrialRecord, ...]

    @property
    def best(self) -> TrialRecord | None:
        """The complete trial with the best objective; of equals the first."""
        return next(iter(self.ranked()), None)

    def ranked(self) -> list[TrialRecord]:
        """The complete trials, best first."""
        sign = -1 if self.spec.search.direction == "maximize" else 1
        complete = [trial for trial in self.trials if trial.state is TrialState.COMPLETE]
        return sorted(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.number))

    def best_of_each_kind(self) -> list[TrialRecord]:
        """The best complete trial of each kind of network, best first."""
        best: dict[str, TrialRecord] = {}
        for trial in self.ranked():
            best.setdefault(trial.model, trial)
        return list(best.values())

    def counts(self) -> dict[str, int]:
        """How many trials are in each state; states that no trial is in are left out."""
        states = [trial.state for trial in self.trials]
        return {state.value: states.count(state) for state in TrialState if state in states}

    def to_json(self) -> str:
        """The summary as DESIGN's `show --json`; a number that is not finite is null."""
        best = self.best
        document = {
            "name": self.spec.name,
            "state": self.state,
            "reason": self.reason,
            "objective": self.spec.search.objective,
            "trials": [_trial_json(trial) for trial in self.trials],
            "best": best
            and {
                "number": best.number,
                "value": best.value,
                "metrics": _finite(best.metrics.items()),
                "test": best.test and _finite(best.test.items()),
            },
        }
        return json.dumps(document, indent=2, allow_nan=False)


def read_summary(run_dir: RunDir) -> StudySummary:
    """Reads a run directory, also while its study runs.

    Raises:
        RunDirError: the store or the spec cannot be read.
    """
    spec = load_spec(run_dir.spec, check_packages=False)
    store = StudyReader.open(run_dir.store)
    try:
        state, reason = store.study()
        trials = tuple(store.trials())
    finally:
        store.close()
    if run_dir.is_locked():
        state, reason = "running", None
    elif state == "running":
        state, reason = "interrupted", "its driver ended without a word"
    return StudySummary(spec, state, reason, trials)


def _trial_json(trial: TrialRecord) -> dict[str, object]:
    return {
        "number": trial.number,
        "state": trial.state.value,
        "model": trial.model,
        "params": trial.params,
        "epochs": trial.epochs,
        "value": _finite_or_none(trial.value),
        "metrics": _finite(trial.metrics.items()),
        "test": trial.test and _finite(trial.test.items()),
        "attempts": trial.attempts,
        "seconds": round(trial.seconds, 3),
        "worker": trial.worker,
        "error": trial.error,
        "weights_sha256": trial.weights_sha256,
    }


def _finite(metrics: Iterable[tuple[str, float]]) -> dict[str, float | None]:
    return {name: _finite_or_none(value) for name, value in metrics}


def _finite_or_none(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
