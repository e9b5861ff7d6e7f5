"""Each check finds its fault, says what to change, and keeps silent about a study without it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from cluster.analysis.health.checks import find_problems
from cluster.analysis.health.finding import Finding
from cluster.analysis.health.record import HealthRecord, PrunerSaving
from cluster.results.summary import StudySummary
from cluster.spec.space import ParamValue
from cluster.spec.study_spec import StudySpec
from cluster.trial import DIVERGED, TrialRecord, TrialState
from tests.support.records import finished_trial

RATE, MOMENTUM = "training.learning_rate", "training.momentum"
RATES = {RATE: {"low": 0.001, "high": 0.5, "log": True}}


def checked(space: Mapping[str, Any], trials: Sequence[TrialRecord], **known: Any) -> list[Finding]:
    spec = StudySpec.model_validate({"name": "study", "search": {"space": space}})
    return find_problems(HealthRecord(StudySummary(spec, "complete", None, tuple(trials)), **known))


def complete(number: int, value: float, **params: ParamValue) -> TrialRecord:
    trial = finished_trial(TrialState.COMPLETE, number, value)
    return replace(trial, params=params, metrics={"val/accuracy": value})


def diverged(number: int, **params: ParamValue) -> TrialRecord:
    return replace(finished_trial(TrialState.FAIL, number), params=params, error=DIVERGED)


def at_rates(*rates: float, best: int) -> list[TrialRecord]:
    return [complete(n, 0.99 if n == best else 0.5 + n / 100, **{RATE: rate}) for n, rate in enumerate(rates)]


def test_study_without_a_fault_has_no_finding() -> None:
    assert checked(RATES, at_rates(0.004, 0.02, 0.1, 0.3, best=2), images=10_000, largest_class=0.11) == []


def test_study_without_a_trial_has_no_finding() -> None:
    assert checked(RATES, []) == []


@pytest.mark.parametrize(
    ("rate", "where", "remedy"),
    [
        (0.498, "upper", f"raise search.space.{RATE}.high, for example to 2.4"),  # 0.5 * (0.5 / 0.001)^(1/4) = 2.36
        (0.001, "lower", f"lower search.space.{RATE}.low, for example to 0.00021"),
    ],
)
def test_best_value_at_an_end_of_its_range_is_found(rate: float, where: str, remedy: str) -> None:
    (finding,) = checked(RATES, at_rates(0.004, 0.02, 0.1, rate, best=3))

    assert finding.name == "best-on-bound"
    assert finding.sentence == f"the best trial, 3, has {RATE} {rate}, the {where} end of its range, 0.001 to 0.5"
    assert finding.remedy == remedy


def test_value_that_its_field_allows_no_further_is_not_at_a_bound() -> None:
    space = {MOMENTUM: {"low": 0.0, "high": 0.9}}
    trials = [complete(n, 0.9 - n / 10, **{MOMENTUM: n / 4}) for n in range(4)]

    assert checked(space, trials) == []


def test_bound_that_can_be_moved_a_little_only_is_moved_a_little() -> None:
    space = {MOMENTUM: {"low": 0.0, "high": 0.95}}
    trials = [complete(n, 0.5 + n / 10, **{MOMENTUM: 0.95 * n / 3}) for n in range(4)]

    (finding,) = checked(space, trials)

    assert finding.remedy == f"raise search.space.{MOMENTUM}.high, for example to 0.97"


def test_best_of_few_choices_counts_only_beyond_chance() -> None:
    space = {"training.batch_size": {"choices": [50, 100, 200]}}

    def names(best: float) -> list[str]:
        sizes = (50, 100, 200, 100)
        trials = [
            complete(n, (0.96, 0.97, best, 0.95)[n], **{"training.batch_size": size}) for n, size in enumerate(sizes)
        ]
        return [finding.name for finding in checked(space, trials, images=10_000)]

    assert names(0.972) == ["within-noise"]
    assert names(0.980) == ["best-on-bound"]


def test_choices_that_are_no_numbers_have_no_ends() -> None:
    space = {"model.activation": {"choices": ["relu", "tanh", "sigmoid"]}}
    kinds = ("relu", "tanh", "sigmoid", "tanh")
    trials = [complete(n, 0.9 - n / 10, **{"model.activation": kind}) for n, kind in enumerate(kinds)]

    assert checked(space, trials) == []


def test_diverged_trials_are_found_with_the_value_from_which_they_do() -> None:
    trials = [*at_rates(0.004, 0.02, 0.1, best=2), diverged(3, **{RATE: 0.31}), diverged(4, **{RATE: 0.45})]

    (finding,) = checked(RATES, trials)

    assert finding.name == "diverged"
    assert finding.sentence == (f"2 of 5 trials (40 %) diverged, trials 3 and 4, all with {RATE} of 0.31 or more")
    assert finding.remedy == f"lower search.space.{RATE}.high below 0.31"


def test_diverged_trials_that_no_value_explains_are_found() -> None:
    trials = [*at_rates(0.004, 0.1, 0.3, best=1), diverged(3, **{RATE: 0.01})]

    (finding,) = checked(RATES, trials)

    assert finding.text == f"1 of 4 trials (25 %) diverged, trial 3: lower {RATE}, or what is searched of it"


def test_few_diverged_trials_are_the_price_of_a_search() -> None:
    rates = [0.01 + n / 100 for n in range(11)]

    assert checked(RATES, [*at_rates(*rates, best=5), diverged(11, **{RATE: 0.4})]) == []


def test_trial_that_failed_for_another_reason_has_not_diverged() -> None:
    crashed = replace(diverged(3, **{RATE: 0.4}), error="worker died")

    assert checked(RATES, [*at_rates(0.004, 0.1, 0.3, best=1), crashed]) == []


def test_stuck_networks_are_told_to_start_otherwise() -> None:
    (finding,) = checked({}, [complete(0, 0.1135)], images=10_000, largest_class=0.1135, constant=frozenset({0}))

    assert finding.name == "stuck"
    assert finding.sentence == (
        "mlp trial 0 reads the same digit in every image, no better than the share of the most frequent one, 11.3 %"
    )
    assert finding.remedy.startswith("set model.initializer to xavier")


def test_networks_stuck_at_high_learning_rates_are_told_to_lower_them() -> None:
    trials = [*at_rates(0.004, 0.02, best=1), complete(2, 0.1, **{RATE: 0.4}), complete(3, 0.1, **{RATE: 0.3})]

    (finding,) = checked(RATES, trials, largest_class=0.1135, constant=frozenset({2, 3}))

    assert finding.remedy == f"lower search.space.{RATE}.high below 0.3"


@pytest.mark.parametrize(("saved", "names"), [(24, []), (25, ["prunable"])])
def test_pruner_is_proposed_if_it_saves_a_quarter_of_the_epochs(saved: int, names: list[str]) -> None:
    findings = checked({}, [complete(0, 0.9)], saving=PrunerSaving("asha", saved, 100))

    assert [finding.name for finding in findings] == names
    for finding in findings:
        assert finding.text == (
            "the pruner asha would have saved 25 of 100 epochs (25 %) and kept the best trials: "
            "set search.pruner.kind to asha"
        )


def test_trials_within_noise_of_the_best_are_noted() -> None:
    values = (0.97, 0.9806, 0.9815, 0.9802)

    (finding,) = checked({}, [complete(n, value) for n, value in enumerate(values)], images=10_000)

    assert finding.level == "note"
    assert finding.text == (
        "trials 1 and 3 may be as good as the best one, 2, because gaps of at most 0.13 points are within the noise of "
        "10,000 images (±0.26 each): choose the fastest of them, or compare them with more seeds"
    )


@pytest.mark.parametrize(
    ("largest", "remedy"),
    [(1, "multiply them by 255"), (0, "check how they were written"), (15, "multiply them by 17"), (255, "")],
)
def test_pixels_that_are_not_in_0_to_255_are_found(largest: int, remedy: str) -> None:
    findings = checked({}, [complete(0, 0.9)], largest_pixel=largest)

    texts = [f"the pixels of the images are in 0..{largest}, not in 0..255: {remedy}"] if remedy else []
    assert [finding.text for finding in findings] == texts
