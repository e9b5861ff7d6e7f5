"""Trials are pruned by comparison with those of the same kind of network."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cluster.search.pruning import _percentile
from cluster.search.search import Search
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialState

TWO_KINDS = {"model.kind": {"choices": ["mlp", "lenet"]}}


def pruning(pruner: Mapping[str, Any], **search: Any) -> Search:
    options = {"pruner": pruner, "sampler": {"kind": "random"}, **search}
    return Search(
        StudySpec.model_validate({"name": "study", "trials": 50, "training": {"epochs": 4}, "search": options})
    )


def run_to_completion(search: Search, number: int, values: list[float]) -> None:
    search.ask(number)
    for epoch, value in enumerate(values, start=1):
        search.report(number, epoch, value)
    search.tell(number, TrialState.COMPLETE, values[-1])


@pytest.mark.parametrize(
    ("pruner", "prunes"),
    [
        ({"kind": "none"}, False),
        ({"kind": "asha"}, True),
        ({"kind": "asha", "min_resource": 5}, False),
        ({"kind": "hyperband", "reduction_factor": 2}, True),
        ({"kind": "median"}, True),
        ({"kind": "median", "n_startup_trials": 9}, False),
        ({"kind": "percentile", "percentile": 50.0}, True),
        ({"kind": "threshold", "lower": 0.5}, True),
        ({"kind": "threshold", "upper": 0.95}, False),
        ({"kind": "wilcoxon"}, True),
        ({"kind": "patient", "patience": 1}, True),
        ({"kind": "patient", "patience": 1, "wrapped": {"kind": "median"}}, True),
        ({"kind": "patient", "patience": 1, "wrapped": {"kind": "threshold", "upper": 1}}, False),
    ],
)
@pytest.mark.parametrize("objective", ["val/accuracy", "val/loss"])
def test_pruner_stops_a_trial_that_gets_worse_but_not_a_good_one(
    pruner: dict[str, Any], prunes: bool, objective: str
) -> None:
    if pruner["kind"] == "threshold" or pruner.get("wrapped", {}).get("kind") == "threshold":
        objective = "val/accuracy"  # its bounds are absolute values, not better or worse ones
    sign = 1 if objective == "val/accuracy" else -1
    search = pruning(pruner, objective=objective)
    for number in range(6):
        run_to_completion(search, number, [sign * value for value in (0.6, 0.7, 0.8, 0.9)])
    search.ask(6)
    assert any(search.report(6, epoch, sign * 0.1 / epoch) for epoch in range(1, 5)) is prunes
    search.ask(7)
    assert not any(search.report(7, epoch, sign * (0.6 + epoch / 12)) for epoch in range(1, 5))


@pytest.mark.parametrize(
    "pruner",
    [{"kind": "asha", "reduction_factor": 2}, {"kind": "median", "n_startup_trials": 1}, {"kind": "wilcoxon"}],
)
def test_trial_is_compared_only_with_its_own_kind_of_network(pruner: dict[str, Any]) -> None:
    search = pruning(pruner, space=TWO_KINDS)
    for number in range(6):
        search.adopt(number, {"model.kind": "lenet"}, {1: 0.96, 2: 0.97, 3: 0.98, 4: 0.99})
        search.tell(number, TrialState.COMPLETE, 0.99)
    search.adopt(6, {"model.kind": "mlp"}, {})
    assert not any(search.report(6, epoch, 0.8 + epoch / 100) for epoch in range(1, 5))
    search.tell(6, TrialState.COMPLETE, 0.84)
    search.adopt(7, {"model.kind": "mlp"}, {})
    search.adopt(8, {"model.kind": "lenet"}, {})
    assert any(search.report(7, epoch, 0.5 - epoch / 100) for epoch in range(1, 5))
    assert any(search.report(8, epoch, 0.9 - epoch / 100) for epoch in range(1, 5))


def test_epoch_reported_again_gets_the_same_answer_and_changes_nothing() -> None:
    search = pruning({"kind": "asha", "reduction_factor": 2})
    run_to_completion(search, 0, [0.9, 0.9, 0.9, 0.9])
    search.ask(1)
    assert search.report(1, 1, 0.1)
    assert search.report(1, 1, 0.1)
    search.ask(2)
    assert not search.report(2, 1, 0.95)
    assert not search.report(2, 2, 0.96)
    assert not search.report(2, 1, 0.95)


def test_value_that_is_not_finite_stops_the_trial_and_is_hidden_from_the_pruner() -> None:
    search = pruning({"kind": "asha", "reduction_factor": 2})
    search.ask(0)
    assert search.report(0, 1, math.nan)
    search.tell(0, TrialState.FAIL)
    search.ask(1)
    assert search.report(1, 1, math.inf)
    search.tell(1, TrialState.PRUNED)
    search.ask(2)
    assert not search.report(2, 1, 0.1)


def test_adopted_trial_is_not_stopped_at_an_epoch_that_it_survived() -> None:
    live = pruning({"kind": "asha", "reduction_factor": 2})
    for number in range(3):
        live.ask(number)
    assert not live.report(2, 1, 0.1)  # the first at its rung
    resumed = pruning({"kind": "asha", "reduction_factor": 2})
    for number, value in ((0, 0.9), (1, 0.8)):
        resumed.adopt(number, {}, {1: value})
    resumed.adopt(2, {}, {1: 0.1, 2: 0.2})  # reported after the better ones, unlike before
    assert not resumed.report(2, 1, 0.1)


@example(values=[0.1, 0.47], percentile=50.0)  # differs in its last bit if it is interpolated from the other end
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20),
    percentile=st.sampled_from([0.0, 25.0, 50.0, 75.0, 100.0]) | st.floats(0.0, 100.0),
)
def test_percentile_of_sorted_values_is_that_of_numpy_to_the_bit(values: list[float], percentile: float) -> None:
    assert _percentile(sorted(values), percentile) == np.percentile(values, percentile)


@pytest.mark.parametrize(
    ("pruner", "bound"),
    [
        ({"kind": "asha", "reduction_factor": 2}, 0.7),  # the best half of 0.1, 0.5, 0.7, 0.9 at the first rung
        ({"kind": "hyperband", "reduction_factor": 5}, 0.9),
        ({"kind": "median", "n_startup_trials": 3}, 0.7),
        ({"kind": "percentile", "percentile": 25.0, "n_startup_trials": 3}, 0.8),
        ({"kind": "threshold", "lower": 0.2}, 0.2),
        ({"kind": "patient", "patience": 0, "wrapped": {"kind": "median", "n_startup_trials": 3}}, 0.7),
        ({"kind": "patient", "patience": 0}, None),
    ],
)
@pytest.mark.parametrize("objective", ["val/accuracy", "val/loss"])
def test_pruned_trial_knows_what_it_had_to_reach(pruner: dict[str, Any], bound: float | None, objective: str) -> None:
    sign = 1 if objective == "val/accuracy" else -1
    if pruner["kind"] == "threshold" and sign < 0:
        pruner = {"kind": "threshold", "upper": -0.2}
    search = pruning(pruner, objective=objective)
    for number, value in enumerate((0.5, 0.7, 0.9)):
        run_to_completion(search, number, [sign * value] * 4)
    search.ask(3)
    assert any(search.report(3, epoch, sign * 0.1 / epoch) for epoch in range(1, 5))
    assert search.bound(3) == (None if bound is None else pytest.approx(sign * bound))
