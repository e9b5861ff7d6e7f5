"""A history keeps a bounded choice of trials, which does not depend on the order in which they ended."""

import random

import pytest
from optuna.trial import FrozenTrial, TrialState

from cluster.search.bounded_storage import BoundedStorage, Window
from cluster.spec.direction import Direction

COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL


def trial(number: int, state: TrialState = COMPLETE, value: float = 0.0, epochs: int = 1) -> FrozenTrial:
    reported = dict.fromkeys(range(1, epochs + 1), value)
    final = value if state is COMPLETE else None
    return FrozenTrial(number, state, final, None, None, {}, {}, {}, {}, reported, trial_id=number)


def kept(history: BoundedStorage) -> list[int]:
    return [trial.number for trial in history.get_all_trials(0, deepcopy=False)]


def ended(trials: list[FrozenTrial], window: Window) -> BoundedStorage:
    history = BoundedStorage(Direction.MAXIMIZE, window)
    for each in trials:
        history.begin(each)
        history.end(each)
    return history


def test_the_best_are_kept_and_the_newest_of_the_others() -> None:
    values = [0.9, 0.1, 0.8, 0.2, 0.3, 0.4, 0.5]
    history = ended([trial(number, value=value) for number, value in enumerate(values)], Window([COMPLETE], 2, 3))
    assert kept(history) == [0, 2, 4, 5, 6]
    assert history.get_best_trial(0).number == 0


def test_complete_trials_are_better_than_pruned_ones_and_of_those_the_longest_then_the_better() -> None:
    trials = [
        trial(0, PRUNED, 0.9, epochs=1),
        trial(1, PRUNED, 0.2, epochs=3),
        trial(2, PRUNED, 0.3, epochs=3),
        trial(3, COMPLETE, 0.1),
        trial(4, PRUNED, epochs=0),
    ]
    order = [3, 2, 1, 0, 4]
    for best in range(6):
        assert kept(ended(trials, Window([COMPLETE, PRUNED], best))) == sorted(order[:best])


def test_trials_of_other_states_are_forgotten_and_running_ones_are_seen() -> None:
    history = ended([trial(0, FAIL), trial(1, PRUNED), trial(2)], Window([COMPLETE], best=9, newest=9))
    history.begin(trial(3, TrialState.RUNNING))
    assert kept(history) == [2, 3]
    assert [each.number for each in history.get_all_trials(0, states=(COMPLETE,))] == [2]


def test_there_is_no_best_before_a_trial_is_complete() -> None:
    with pytest.raises(ValueError, match="no trial is complete"):
        ended([trial(0, PRUNED)], Window([COMPLETE, PRUNED], 3)).get_best_trial(0)


def test_what_is_kept_does_not_depend_on_the_order_in_which_trials_ended() -> None:
    draw = random.Random(0)
    trials = [
        trial(number, draw.choice([COMPLETE, PRUNED]), draw.choice([0.1, 0.2, draw.random()]), draw.randint(0, 3))
        for number in range(200)
    ]
    window = Window([COMPLETE, PRUNED], best=5, newest=20)
    in_order = kept(ended(trials, window))
    assert len(in_order) == 25
    for _ in range(20):
        draw.shuffle(trials)
        assert kept(ended(trials, window)) == in_order
