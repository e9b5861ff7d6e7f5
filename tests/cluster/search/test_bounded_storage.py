"""The storage keeps a bounded number of trials, which do not depend on the order in which they finish."""

import random
from itertools import permutations

import pytest
from optuna.trial import FrozenTrial, TrialState

from cluster.search.bounded_storage import BoundedStorage, Window
from cluster.search.optuna_private import running_trial
from cluster.spec.direction import Direction

COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL


def trial(number: int, state: TrialState = COMPLETE, value: float = 0.0, epochs: int = 1) -> FrozenTrial:
    made = running_trial(number)
    made.state = state
    made.value = value if state is COMPLETE else None
    made.intermediate_values = dict.fromkeys(range(1, epochs + 1), value)
    return made


def kept(storage: BoundedStorage) -> list[int]:
    return [trial.number for trial in storage.get_all_trials(0, deepcopy=False)]


def storage_after(trials: list[FrozenTrial], window: Window) -> BoundedStorage:
    storage = BoundedStorage(Direction.MAXIMIZE, window)
    for each in trials:
        storage.start(each)
        storage.finish(each)
    return storage


def test_best_trials_and_the_newest_others_are_kept() -> None:
    values = [0.9, 0.1, 0.8, 0.2, 0.3, 0.4, 0.5]
    storage = storage_after(
        [trial(number, value=value) for number, value in enumerate(values)], Window([COMPLETE], 2, 3)
    )
    assert kept(storage) == [0, 2, 4, 5, 6]
    assert storage.get_best_trial(0).number == 0


def test_complete_trials_rank_before_pruned_ones_which_rank_by_epochs_then_value() -> None:
    trials = [
        trial(0, PRUNED, 0.9, epochs=1),
        trial(1, PRUNED, 0.2, epochs=3),
        trial(2, PRUNED, 0.3, epochs=3),
        trial(3, COMPLETE, 0.1),
        trial(4, PRUNED, epochs=0),
    ]
    order = [3, 2, 1, 0, 4]
    for best in range(6):
        assert kept(storage_after(trials, Window([COMPLETE, PRUNED], best))) == sorted(order[:best])


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("state", [COMPLETE, PRUNED])
def test_of_equal_trials_those_with_the_lower_numbers_are_the_best(state: TrialState, order: tuple[int, ...]) -> None:
    trials = [trial(number, state, 0.5) for number in order]
    assert kept(storage_after(trials, Window([COMPLETE, PRUNED], best=2))) == [0, 1]


def test_trials_in_other_states_are_forgotten_and_running_ones_are_visible() -> None:
    storage = storage_after([trial(0, FAIL), trial(1, PRUNED), trial(2)], Window([COMPLETE], best=9, newest=9))
    storage.start(trial(3, TrialState.RUNNING))
    assert kept(storage) == [2, 3]
    assert [each.number for each in storage.get_all_trials(0, states=(COMPLETE,))] == [2]


def test_storage_has_no_best_trial_before_one_is_complete() -> None:
    with pytest.raises(ValueError, match="no trial is complete"):
        storage_after([trial(0, PRUNED)], Window([COMPLETE, PRUNED], 3)).get_best_trial(0)


def test_kept_trials_do_not_depend_on_the_order_in_which_they_finish() -> None:
    draw = random.Random(0)
    trials = [
        trial(number, draw.choice([COMPLETE, PRUNED]), draw.choice([0.1, 0.2, draw.random()]), draw.randint(0, 3))
        for number in range(200)
    ]
    window = Window([COMPLETE, PRUNED], best=5, newest=20)
    in_order = kept(storage_after(trials, window))
    assert len(in_order) == 25
    for _ in range(20):
        draw.shuffle(trials)
        assert kept(storage_after(trials, window)) == in_order
