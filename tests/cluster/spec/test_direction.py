"""Comparing, reaching and ranking values, in both directions."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.spec.direction import Direction

finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(("direction", "low_is_better"), [(Direction.MAXIMIZE, False), (Direction.MINIMIZE, True)])
def test_direction_says_which_of_two_values_is_better(direction: Direction, low_is_better: bool) -> None:
    assert direction.is_better(1.0, 2.0) is low_is_better
    assert direction.is_better(2.0, 1.0) is not low_is_better
    assert not direction.is_better(1.0, 1.0)


@pytest.mark.parametrize(("direction", "low_is_better"), [(Direction.MAXIMIZE, False), (Direction.MINIMIZE, True)])
def test_goal_is_reached_by_an_equal_or_better_value(direction: Direction, low_is_better: bool) -> None:
    assert direction.reaches(1.0, 1.0)
    assert direction.reaches(1.0, 2.0) is low_is_better
    assert direction.reaches(2.0, 1.0) is not low_is_better


@pytest.mark.parametrize("direction", Direction)
@given(st.lists(finite, min_size=1, max_size=20))
def test_ranking_is_by_value_and_by_number_if_values_are_equal(direction: Direction, values: list[float]) -> None:
    ranked = sorted(range(len(values)), key=lambda number: direction.rank_key(values[number], number))
    for first, second in pairwise(ranked):
        assert direction.reaches(values[first], values[second])
        assert direction.is_better(values[first], values[second]) or first < second
