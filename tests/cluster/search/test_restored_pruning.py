"""A restored search stops the trials that the search before it would have stopped, whatever the order of reports."""

from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cluster.search.search import Search
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialState

EPOCHS = 9
PRUNERS: dict[str, dict[str, Any]] = {
    "asha": {"kind": "asha", "reduction_factor": 2},
    "hyperband": {"kind": "hyperband", "reduction_factor": 2},
    "median": {"kind": "median", "n_startup_trials": 1},
    "percentile": {"kind": "percentile", "percentile": 40.0, "n_startup_trials": 2, "interval_steps": 2},
    "wilcoxon": {"kind": "wilcoxon"},
    "patient": {"kind": "patient", "patience": 1},
    "patient-asha": {"kind": "patient", "patience": 1, "wrapped": {"kind": "asha", "reduction_factor": 2}},
    "patient-hyperband": {"kind": "patient", "patience": 2, "wrapped": {"kind": "hyperband", "reduction_factor": 2}},
    "patient-median": {"kind": "patient", "patience": 1, "wrapped": {"kind": "median", "n_startup_trials": 1}},
}


class Workers:
    """Several workers, one of which reports next: a trial may diverge, or start over after its worker has died.

    Attributes:
        reported: trial -> epoch -> the objective, as the store records it; not that of an epoch that diverged.
        ended: trial -> how it ended.
    """

    def __init__(self, rng: Random, count: int) -> None:
        self._rng = rng
        self._count = count
        self._epochs: dict[int, int] = {}  # running trial -> the last epoch of this attempt
        self.reported: dict[int, dict[int, float]] = {}
        self.ended: dict[int, TrialState] = {}

    def report_next(self, *searches: Search) -> list[bool]:
        """Lets one worker start a trial, or report its next epoch to each search; returns whether it is to stop."""
        rng = self._rng
        if len(self._epochs) < self._count:
            number = len(self.reported)
            self._epochs[number], self.reported[number] = 0, {}
            for search in searches:
                search.ask(number)
            return []
        number = rng.choice(sorted(self._epochs))
        if rng.random() < 0.1:  # its worker has died
            self._epochs[number] = 0
            return []
        self._epochs[number] = epoch = self._epochs[number] + 1
        if epoch not in self.reported[number] and rng.random() < 0.05:
            self._end(number, TrialState.FAIL, searches)
            return []
        value = self.reported[number].setdefault(epoch, rng.random())
        answers = [search.report(number, epoch, value) for search in searches]
        if epoch == EPOCHS:
            self._end(number, TrialState.COMPLETE, searches)
        elif answers[0]:
            self._end(number, TrialState.PRUNED, searches)
        return answers

    def _end(self, number: int, state: TrialState, searches: tuple[Search, ...]) -> None:
        del self._epochs[number]
        self.ended[number] = state
        for search in searches:
            search.tell(number, state, self.reported[number].get(EPOCHS))

    def restore(self, search: Search) -> Search:
        """Adopts all trials, as a resumed study does."""
        for number, values in self.reported.items():
            search.adopt(number, {}, values)
            if state := self.ended.get(number):
                search.tell(number, state, values.get(EPOCHS))
        return search


def new_search(pruner: dict[str, Any]) -> Search:
    search = {"sampler": {"kind": "random"}, "pruner": pruner}
    fields = {"name": "study", "trials": 1000, "training": {"epochs": EPOCHS}, "search": search}
    return Search(StudySpec.model_validate(fields))


@pytest.mark.parametrize("pruner", PRUNERS)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 6), events=st.integers(0, 150))
@example(seed=1, count=4, events=60)
def test_restored_search_gives_the_answers_of_the_one_that_it_replaces(
    pruner: str, seed: int, count: int, events: int
) -> None:
    workers = Workers(Random(seed), count)
    live = new_search(PRUNERS[pruner])
    for _ in range(events):
        workers.report_next(live)
    restored = workers.restore(new_search(PRUNERS[pruner]))
    for number in workers.reported.keys() - workers.ended.keys():
        # Its worker may repeat all of them, from an older checkpoint; it has survived them.
        assert not any(restored.report(number, epoch, value) for epoch, value in workers.reported[number].items())
    for _ in range(100):
        assert len(set(workers.report_next(live, restored))) <= 1
