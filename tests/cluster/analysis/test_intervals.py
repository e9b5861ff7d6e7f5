"""Intervals, against figures worked out by hand and published ones."""

import math

import pytest

from cluster.analysis.intervals import independent_difference, paired_difference, share_interval


def test_ten_thousand_images_tell_98_percent_to_0_27_points() -> None:
    low, high = share_interval(0.98, 10_000)

    assert (high - low) / 2 == pytest.approx(1.959964 * math.sqrt(0.98 * 0.02 / 10_000), rel=0.01)
    assert f"{100 * (high - low) / 2:.2f}" == "0.27"


def test_interval_of_two_shares_is_that_of_newcombe() -> None:
    # Newcombe (1998), Statistics in Medicine 17:873, table II, method 10.
    for first, first_images, second, second_images, low, high in (
        (48 / 80, 80, 56 / 70, 70, 0.0524, 0.3339),
        (0 / 29, 29, 5 / 56, 56, -0.0381, 0.1926),
        (0 / 10, 10, 10 / 10, 10, 0.6075, 1.0),
    ):
        gap = independent_difference(first, first_images, second, second_images)

        assert (gap.low, gap.high) == pytest.approx((low, high), abs=5e-5)
        assert gap.value == second - first


@pytest.mark.parametrize(("second", "is_noise"), [(0.9835, True), (0.9841, False)])
def test_gap_of_two_networks_is_noise_below_0_39_points(second: float, is_noise: bool) -> None:
    assert independent_difference(0.98, 10_000, second, 10_000).is_noise is is_noise


@pytest.mark.parametrize(
    ("only_first", "only_second", "is_noise"), [(10, 21, False), (10, 20, True), (100, 130, False), (100, 127, True)]
)
def test_paired_gap_is_noise_where_mcnemars_test_finds_none(only_first: int, only_second: int, is_noise: bool) -> None:
    # McNemar: (b - c)^2 / (b + c) against 3.841, the 95 % point of chi-squared with one degree of freedom.
    statistic = (only_second - only_first) ** 2 / (only_first + only_second)
    assert (statistic < 3.841) is is_noise

    gap = paired_difference(only_first, only_second, 10_000)

    assert gap.is_noise is is_noise
    assert gap.value == (only_second - only_first) / 10_000
    assert gap.low < gap.value < gap.high


def test_networks_that_are_right_on_the_same_images_are_equal() -> None:
    assert paired_difference(0, 0, 10_000).is_noise
