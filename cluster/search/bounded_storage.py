"""What Optuna is shown of a study: the trials that run and a bounded choice of those that ended."""

import warnings
from bisect import insort
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from cluster.spec.direction import Direction

_BY_NUMBER = attrgetter("number")


@contextmanager
def silence_optuna() -> Iterator[None]:
    """Hides Optuna's warnings: about what it calls experimental, and about a pruner that abstains.

    The author of the spec asked for both.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Window:
    """Which ended trials to keep: those in `states`, of them the `best` and the `newest` others, by their numbers."""

    states: Sequence[TrialState] = ()
    best: int = 0
    newest: int = 0


class BoundedStorage(InMemoryStorage):
    """The storage of an Optuna study that forgets, so that neither time nor memory grows with the trials that ended.

    What it keeps depends on which trials ended, not on their order: a resumed study, which tells them by number, shows
    its sampler the same trials as the study that was never stopped.
    """

    def __init__(self, direction: Direction, window: Window) -> None:
        super().__init__()
        self._direction = direction
        self._window = window
        self._running: dict[int, FrozenTrial] = {}
        self._best: list[FrozenTrial] = []
        self._newest: list[FrozenTrial] = []

    def begin(self, trial: FrozenTrial) -> None:
        """Takes a trial that runs, with its number as its id."""
        self._running[trial.number] = trial

    def end(self, trial: FrozenTrial) -> None:
        """Keeps or forgets a trial whose state is final."""
        self._running.pop(trial.number, None)
        if trial.state not in self._window.states:
            return
        insort(self._best, trial, key=self._rank)
        if len(self._best) > self._window.best:
            insort(self._newest, self._best.pop(), key=_BY_NUMBER)
            del self._newest[: max(0, len(self._newest) - self._window.newest)]

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """The trials kept, by number; Optuna's samplers and pruners only read them, so they are never copied."""
        del study_id, deepcopy
        trials = sorted([*self._best, *self._newest, *self._running.values()], key=_BY_NUMBER)
        return trials if states is None else [trial for trial in trials if trial.state in states]

    def get_best_trial(self, study_id: int) -> FrozenTrial:
        """The best complete trial, of equal ones the first.

        Raises:
            ValueError: no trial is complete, as Optuna expects it.
        """
        del study_id
        if not self._best or self._best[0].state is not TrialState.COMPLETE:
            raise ValueError("no trial is complete")
        return self._best[0]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Keeps what a sampler notes on the trial that it proposes."""
        self._running[trial_id].system_attrs[key] = value

    def _rank(self, trial: FrozenTrial) -> tuple[bool, int, float, int]:
        """Better trials first, as Optuna's TPE sorts them: complete ones by value, then pruned ones by their epochs."""
        if trial.state is TrialState.COMPLETE and trial.value is not None:
            return False, 0, *self._direction.rank_key(trial.value, trial.number)
        if not trial.intermediate_values:
            return True, 1, 0.0, trial.number
        epoch, value = max(trial.intermediate_values.items())
        return True, -epoch, *self._direction.rank_key(value, trial.number)
