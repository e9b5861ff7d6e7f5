"""What Optuna sees of a study: the running trials and a bounded selection of the finished ones."""

import warnings
from bisect import insort
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState
from typing_extensions import override

from cluster.spec.direction import Direction

_BY_NUMBER = attrgetter("number")


@contextmanager
def silence_optuna() -> Iterator[None]:
    """Hides Optuna's warnings about experimental features and about a pruner that abstains.

    Whoever wrote the spec asked for both.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Window:
    """Which finished trials to keep.

    Attributes:
        states: only trials in these states are kept.
        best: how many of the best trials to keep.
        newest: how many of the others to keep: those with the highest numbers.
    """

    states: Sequence[TrialState] = ()
    best: int = 0
    newest: int = 0


class BoundedStorage(InMemoryStorage):
    """An Optuna storage whose time and memory do not grow with the number of finished trials.

    What it keeps depends on which trials have finished, not on their order, so a resumed study, which adds them by
    number, shows its sampler the same trials as a study that was never interrupted.

    Samplers and pruners see trials through the three methods overridden here. The rest of InMemoryStorage knows the
    study but none of its trials, and raises KeyError if asked for one.
    """

    def __init__(self, direction: Direction, window: Window) -> None:
        super().__init__()
        self._direction = direction
        self._window = window
        self._running: dict[int, FrozenTrial] = {}
        self._best: list[FrozenTrial] = []  # by rank
        self._newest: list[FrozenTrial] = []  # by number

    def start(self, trial: FrozenTrial) -> None:
        """Adds a running trial; its id is its number."""
        self._running[trial.number] = trial

    def finish(self, trial: FrozenTrial) -> None:
        """Keeps or forgets a finished trial."""
        self._running.pop(trial.number, None)
        if trial.state not in self._window.states:
            return
        # The best only get better: a trial that drops out of them never returns, and counts as one of the others. So
        # `_newest` has the highest numbers of all the others, whatever the order in which trials finish.
        insort(self._best, trial, key=self._rank)
        if len(self._best) > self._window.best:
            insort(self._newest, self._best.pop(), key=_BY_NUMBER)
            del self._newest[: max(0, len(self._newest) - self._window.newest)]

    @override
    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        # Sorted by number, and never copied, because Optuna's samplers and pruners only read them.
        del study_id, deepcopy
        trials = sorted([*self._best, *self._newest, *self._running.values()], key=_BY_NUMBER)
        return trials if states is None else [trial for trial in trials if trial.state in states]

    @override
    def get_best_trial(self, study_id: int) -> FrozenTrial:
        del study_id
        if not self._best or self._best[0].state is not TrialState.COMPLETE:
            raise ValueError("no trial is complete")
        return self._best[0]

    @override
    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._running[trial_id].system_attrs[key] = value

    def _rank(self, trial: FrozenTrial) -> tuple[bool, int, float, int]:
        """Returns a key that sorts trials best first, like Optuna's TPE.

        Complete trials come first, by value; then pruned ones, by number of epochs, then by value; last, those that
        reported nothing.
        """
        if trial.state is TrialState.COMPLETE and trial.value is not None:
            return False, 0, *self._direction.rank_key(trial.value, trial.number)
        if not trial.intermediate_values:
            return True, 1, 0.0, trial.number  # 1 sorts after the negated numbers of epochs
        epoch, value = max(trial.intermediate_values.items())
        return True, -epoch, *self._direction.rank_key(value, trial.number)
