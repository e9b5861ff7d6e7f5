"""Importance by Optuna's PED-ANOVA: the field that decides comes first."""

import numpy as np
import pytest

from cluster.search.importance import field_importances
from cluster.spec.space import ParamValue

RNG = np.random.default_rng(0)
RATES = 10 ** RNG.uniform(-3, 0, 100)
ORDER = np.argsort(np.abs(np.log10(RATES) + 1))  # the best trial has a rate of 0.1
NOISE = RNG.uniform(0, 1, 100)


def best_first(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[ParamValue]:
    return [float(values[index]) for index in ORDER]


def test_field_that_decides_is_the_most_important() -> None:
    shares = field_importances({"noise": best_first(NOISE), "rate": best_first(RATES)}, frozenset({"rate"}))

    assert list(shares) == ["rate", "noise"]
    assert shares["rate"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)


def test_choices_count_too_even_if_they_are_lists() -> None:
    good: list[ParamValue] = [512, 256]
    widths: list[ParamValue] = [good if place < 15 else [128, 64] for place in range(100)]

    shares = field_importances({"noise": best_first(NOISE), "hidden": widths}, frozenset())

    assert next(iter(shares)) == "hidden"


def test_field_with_one_value_has_no_importance() -> None:
    same: list[ParamValue] = [0.5] * 100

    assert field_importances({"same": same}, frozenset()) == {"same": 0.0}
    assert field_importances({"same": same, "rate": best_first(RATES)}, frozenset())["same"] == 0.0
