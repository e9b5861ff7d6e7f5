"""Ranges and choices: their sizes, values and points."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cluster.spec.space import (
    Choices,
    ParamValue,
    Range,
    Space,
    fewest_digits,
    format_param,
    grid_point,
    grid_size,
    point_at,
)


def test_range_with_a_step_ends_at_the_last_whole_step() -> None:
    entry = Range(low=0.0, high=0.35, step=0.1)
    assert entry.size == 4
    assert [entry.nth(index) for index in range(4)] == [0.0, 0.1, 0.2, 0.3]


HUNDREDTHS = [index / 100 for index in range(101)]


def test_range_of_a_single_step_has_both_bounds_whatever_two_decimals_they_have() -> None:
    """In floats, 0.3 - 0.1 is less than 0.2: 1,380 of these 5,050 ranges seemed to be shorter than their step."""
    for low in range(100):
        for high in range(low + 1, 101):
            entry = Range(low=HUNDREDTHS[low], high=HUNDREDTHS[high], step=HUNDREDTHS[high - low])
            assert entry.size == 2
            assert [entry.nth(0), entry.nth(1)] == [HUNDREDTHS[low], HUNDREDTHS[high]]


@given(st.data())
def test_values_of_a_stepped_range_are_the_numbers_that_a_person_would_write(data: st.DataObject) -> None:
    low = data.draw(st.integers(-100, 99))
    high = data.draw(st.integers(low + 1, 100))
    step = data.draw(st.integers(1, high - low))
    entry = Range(low=low / 100, high=high / 100, step=step / 100)
    wanted = [hundredths / 100 for hundredths in range(low, high + 1, step)]
    assert [entry.nth(index) for index in range(entry.size or 0)] == wanted


def test_integer_range_has_every_integer() -> None:
    entry = Range(low=3, high=6)
    assert entry.is_integer
    assert [entry.nth(index) for index in range(entry.size or 0)] == [3, 4, 5, 6]


def test_float_range_without_a_step_has_no_size() -> None:
    assert Range(low=0.0, high=1.0).size is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"low": 1, "high": 1}, "less than high"),
        ({"low": 0, "high": 1, "log": True}, "greater than 0 with log: true"),
        ({"low": 1, "high": 9, "log": True, "step": 2}, "step cannot be used with log"),
        ({"low": 1, "high": 2, "step": 3}, "at most high - low"),
        ({"low": 0.1, "high": 0.3, "step": 0.21}, "at most high - low"),
        ({"low": 0.0, "high": 1.0, "step": 1e-300}, "at most 1000000 steps"),
    ],
)
def test_impossible_range_is_rejected(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Range.model_validate(fields)


def test_duplicate_choice_is_rejected_but_1_and_true_differ() -> None:
    assert Choices(choices=(1, 1.0, True, "1")).size == 4
    with pytest.raises(ValidationError, match="twice"):
        Choices(choices=({"kind": "mlp", "hidden": [3]}, {"hidden": [3], "kind": "mlp"}))


@given(
    low=st.integers(1, 1000),
    width=st.integers(1, 1000),
    log=st.booleans(),
    position=st.floats(0, 1, exclude_max=True),
)
def test_range_stays_within_its_bounds_at_every_position(low: int, width: int, log: bool, position: float) -> None:
    for entry in (Range(low=low, high=low + width, log=log), Range(low=low / 7, high=(low + width) / 7, log=log)):
        assert entry.low <= entry.at(position) <= entry.high
        assert isinstance(entry.at(position), int) == entry.is_integer


def test_values_of_an_integer_range_have_equal_shares_of_the_positions() -> None:
    entry = Range(low=1, high=4)
    assert [entry.at(number / 8) for number in range(8)] == [1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize(("low", "high"), [(1, 4), (1, 1000), (20, 22), (7, 300)])
def test_integers_of_a_logarithmic_range_share_it_by_the_logarithms_of_their_halves(low: int, high: int) -> None:
    entry, positions = Range(low=low, high=high, log=True), 20_000
    counts = Counter(entry.at((index + 0.5) / positions) for index in range(positions))
    whole = math.log((high + 0.5) / (low - 0.5))
    for value in range(low, high + 1):
        share = math.log((value + 0.5) / (value - 0.5)) / whole
        assert abs(counts[value] - share * positions) <= 1, value
    assert {type(value) for value in counts} == {int}


def test_middle_of_a_logarithmic_range_is_the_geometric_mean() -> None:
    assert Range(low=0.01, high=1.0, log=True).at(0.5) == pytest.approx(0.1)


def test_grid_points_enumerate_the_product_once_with_the_last_name_fastest() -> None:
    space: Space = {"a": Choices(choices=("x", "y")), "b": Range(low=1, high=3)}
    points = [tuple(grid_point(space, number).values()) for number in range(6)]
    assert grid_size(space) == 6
    assert points == [("x", 1), ("x", 2), ("x", 3), ("y", 1), ("y", 2), ("y", 3)]
    with pytest.raises(ValueError, match="exhausted"):
        grid_point(space, 6)


def test_empty_space_has_one_grid_point() -> None:
    assert grid_size({}) == 1
    assert grid_point({}, 0) == {}


def test_grid_of_a_float_range_without_a_step_has_no_size() -> None:
    assert grid_size({"a": Range(low=0.0, high=1.0)}) is None


def test_point_has_one_value_for_each_name() -> None:
    space: Space = {"a": Choices(choices=(10, 20)), "b": Range(low=0.0, high=8.0)}
    assert point_at(space, [0.6, 0.25]) == {"a": 20, "b": 2.0}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"kind": "lenet"}, "lenet"),
        ({"kind": "mlp", "hidden": [256, 128], "initializer": "xavier"}, "mlp 256-128 xavier"),
        ([128, 64], "128-64"),
        (0.012345678, "0.012345678"),
        (0.1, "0.1"),
        (1.0, "1"),
        ({"epochs": 4, "batch_size": 5}, "epochs=4 batch_size=5"),
        (1e-05, "1e-05"),
        (100, "100"),
        (True, "true"),
        (None, "null"),
        ("relu", "relu"),
    ],
)
def test_parameter_is_formatted_as_short_text(value: object, text: str) -> None:
    assert format_param(value) == text  # type: ignore[arg-type]  # each value above is one that YAML has


MODELS = st.one_of(
    st.builds(
        lambda kind, hidden, rest: {"kind": kind, "hidden": hidden, **rest},
        st.sampled_from(["mlp", "multitask"]),
        st.lists(st.integers(1, 3), min_size=1, max_size=3),
        st.fixed_dictionaries({}, optional={"activation": st.sampled_from(["relu", "tanh"])}),
    ),
    st.fixed_dictionaries({"kind": st.just("lenet")}, optional={"hidden": st.integers(1, 3)}),
)
SCHEDULES = st.fixed_dictionaries(
    {"kind": st.just("step"), "every_epochs": st.integers(1, 3)}, optional={"factor": st.floats(0.1, 0.100001)}
)
TRAININGS = st.fixed_dictionaries(
    {}, optional={"epochs": st.integers(1, 3), "batch_size": st.integers(1, 3), "schedule": SCHEDULES}
)


@given(st.one_of(*(st.tuples(values, values) for values in (MODELS, SCHEDULES, TRAININGS, st.floats(0, 1)))))
def test_different_values_of_a_field_have_different_texts(pair: tuple[ParamValue, ParamValue]) -> None:
    one, other = pair
    assert one == other or format_param(one) != format_param(other)


def test_digits_are_as_few_as_keep_values_apart() -> None:
    assert fewest_digits([0.012345678, 0.5]) == 4
    assert format_param(0.012345678, 4) == "0.01235"
    assert fewest_digits([0.12345, 0.12346]) == 5
    assert fewest_digits([0.1, 0.1 + 2**-54]) == 16
    assert fewest_digits([{"kind": "step", "factor": 0.1234567}, {"kind": "step", "factor": 0.1234568}]) == 7
    assert fewest_digits([]) == 4
