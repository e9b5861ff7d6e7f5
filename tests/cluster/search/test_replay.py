"""A replay stops the trials that the pruner would have stopped, had the study had it."""

import pytest

from cluster.search.replay import epochs_after, replay_pruner
from cluster.search.search import Search
from cluster.spec.strategies import AshaPruner, MedianPruner, PrunerConfig
from cluster.spec.study_spec import StudySpec
from cluster.trial import Report, TrialState
from tests.support.records import finished_trial

EPOCHS = 4
CURVES = {number: [0.5 + (number * 7 % 11) / 30 + epoch / 40 for epoch in range(1, EPOCHS + 1)] for number in range(12)}


def study(pruner: PrunerConfig) -> StudySpec:
    search = {"pruner": pruner.model_dump()}
    return StudySpec.model_validate({"name": "study", "trials": 12, "training": {"epochs": EPOCHS}, "search": search})


@pytest.mark.parametrize("pruner", [AshaPruner(), AshaPruner(reduction_factor=2), MedianPruner(n_startup_trials=2)])
def test_replay_stops_each_trial_where_a_search_with_that_pruner_stops_it(pruner: PrunerConfig) -> None:
    search = Search(study(pruner))
    expected = {}
    for number, curve in CURVES.items():
        search.ask(number)
        for epoch, value in enumerate(curve, start=1):
            if search.report(number, epoch, value) and epoch < EPOCHS:
                expected[number] = epoch
                search.tell(number, TrialState.PRUNED)
                break
        else:
            search.tell(number, TrialState.COMPLETE, curve[-1])
    trials = [finished_trial(TrialState.COMPLETE, number, curve[-1], epochs=EPOCHS) for number, curve in CURVES.items()]
    reports = [
        Report(number, epoch, value) for number, curve in CURVES.items() for epoch, value in enumerate(curve, start=1)
    ]

    stopped = replay_pruner(study(pruner), pruner, trials, reports)

    assert stopped == expected
    assert expected


def test_epochs_after_the_stop_of_a_trial_are_what_a_pruner_saves() -> None:
    # At rung 1, a third of the trials may pass: of two, the better one. So the second is stopped after its first epoch.
    trials = [finished_trial(TrialState.COMPLETE, number, 0.9, epochs=EPOCHS) for number in (0, 1)]
    reports = [Report(number, epoch, 0.9 - number / 10) for epoch in range(1, EPOCHS + 1) for number in (0, 1)]

    stopped = replay_pruner(study(AshaPruner()), AshaPruner(), trials, reports)

    assert stopped == {1: 1}
    assert epochs_after(stopped, trials) == EPOCHS - 1
