"""Who watches a study: TensorBoard and the terminal are observers, told of what the store is about to commit."""

from collections.abc import Sequence

from cluster.spec.space import Params
from cluster.trial import TrialState
from mnist_core.measurement import Measurement


class StudyObserver:
    """Is told what happens, changes nothing. This one takes no notice; a watcher overrides what it cares for."""

    def trial_started(self, number: int, model: str, params: Params, worker: str) -> None:
        """A worker was given the trial, for the first time or again."""

    def measured(self, number: int, measurement: Measurement) -> None:
        """The trial has trained one more epoch."""

    def trial_waits(self, number: int, reason: str) -> None:
        """The trial was put aside and will go on later."""

    def trial_ended(self, number: int, state: TrialState, value: float | None, error: str | None) -> None:
        """The trial is finished."""

    def stopping(self, reason: str) -> None:
        """No more trials are started, and the running ones are put aside after their epoch."""

    def workers_changed(self, ready: int, problem: str | None) -> None:
        """So many workers are at hand; `problem` says why one was lost, if one was."""

    def warned(self, sentence: str) -> None:
        """Something is wrong that the study goes on without."""


class Observers(StudyObserver):
    """Several observers as one."""

    def __init__(self, observers: Sequence[StudyObserver]) -> None:
        """Tells them in this order."""
        self._observers = observers

    def trial_started(self, number: int, model: str, params: Params, worker: str) -> None:
        """See StudyObserver."""
        for observer in self._observers:
            observer.trial_started(number, model, params, worker)

    def measured(self, number: int, measurement: Measurement) -> None:
        """See StudyObserver."""
        for observer in self._observers:
            observer.measured(number, measurement)

    def trial_waits(self, number: int, reason: str) -> None:
        """See StudyObserver."""
        for observer in self._observers:
            observer.trial_waits(number, reason)

    def trial_ended(self, number: int, state: TrialState, value: float | None, error: str | None) -> None:
        """See StudyObserver."""
        for observer in self._observers:
            observer.trial_ended(number, state, value, error)

    def workers_changed(self, ready: int, problem: str | None) -> None:
        """See StudyObserver."""
        for observer in self._observers:
            observer.workers_changed(ready, problem)

    def warned(self, sentence: str) -> None:
        """See StudyObserver."""
        for observer in self._observers:
            observer.warned(sentence)

    def stopping(self, reason: str) -> None:
        """See StudyObserver."""
        for observer in self._observers:
            observer.stopping(reason)
