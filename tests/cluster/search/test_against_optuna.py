"""Samplers and pruners give the same answers as Optuna's own, but keep fewer trials.

There are two exceptions: hyperband's number of brackets, which Optuna rounds down at some powers of its factor, and
asha within `patient`; see test_restored_pruning.py.
"""

import math
import random
from collections.abc import Callable
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FrozenTrial, TrialState

from cluster.search.optuna_private import running_trial
from cluster.search.pruning import PruningGroup, bracket_count
from cluster.search.sampling import TrialSampler, sampling_seed
from cluster.spec.study_spec import StudySpec

EPOCHS = 10
SPACE = {  # by name, which is how Optuna sorts it
    "training.batch_size": {"low": 10, "high": 200},
    "training.learning_rate": {"low": 0.001, "high": 0.5, "log": True},
    "training.momentum": {"low": 0.0, "high": 0.9},
}
DISTRIBUTIONS: dict[str, optuna.distributions.BaseDistribution] = {
    "training.batch_size": optuna.distributions.IntDistribution(10, 200),
    "training.learning_rate": optuna.distributions.FloatDistribution(0.001, 0.5, log=True),
    "training.momentum": optuna.distributions.FloatDistribution(0.0, 0.9),
}

small = st.integers(1, 4)


def spec(**search: Any) -> StudySpec:
    return StudySpec.model_validate({"name": "study", "training": {"epochs": EPOCHS}, "trials": 99, "search": search})


def pruners() -> st.SearchStrategy[tuple[dict[str, Any], optuna.pruners.BasePruner]]:
    """Options of one of our pruners, with Optuna's pruner of the same options."""
    asha = st.fixed_dictionaries(
        {"min_resource": small, "reduction_factor": st.integers(2, 4), "min_early_stopping_rate": st.integers(0, 2)}
    )
    hyperband = st.fixed_dictionaries({"min_resource": small, "reduction_factor": st.integers(2, 4)})
    median = st.fixed_dictionaries(
        {
            "n_startup_trials": st.integers(0, 3),
            "n_warmup_steps": st.integers(0, 3),
            "interval_steps": small,
            "n_min_trials": small,
        }
    )
    percentile = st.builds(lambda percent, rest: {"percentile": percent, **rest}, st.floats(0, 100), median)
    theirs = optuna.pruners
    return st.one_of(
        asha.map(lambda each: ({"kind": "asha", **each}, theirs.SuccessiveHalvingPruner(**each))),
        hyperband.map(
            lambda each: ({"kind": "hyperband", **each}, theirs.HyperbandPruner(max_resource=EPOCHS, **each)),
        ),
        median.map(lambda each: ({"kind": "median", **each}, theirs.MedianPruner(**each))),
        percentile.map(lambda each: ({"kind": "percentile", **each}, theirs.PercentilePruner(**each))),
    )


def quality(trial: FrozenTrial) -> float:
    return 1 - abs(math.log10(trial.params["training.learning_rate"]) + 1)


class Race:
    """Runs the same trials in a study of Optuna and in one of our pruning groups."""

    def __init__(
        self, options: dict[str, Any], pruner: optuna.pruners.BasePruner, objective: str, epochs: int = EPOCHS
    ) -> None:
        search = spec(pruner=options, objective=objective).search
        self.epochs = epochs
        self.group = PruningGroup("study", search, epochs)
        direction = optuna.study.StudyDirection[search.direction.name]
        self.study = optuna.create_study(study_name="study", direction=direction, pruner=pruner)
        self.lanes: dict[int, tuple[optuna.Trial, FrozenTrial]] = {}
        self.started = 0

    def report(self, lane: int, value: float) -> tuple[bool, bool]:
        """Reports for the trial in a lane and ends it if it is pruned or complete; returns Optuna's answer and ours."""
        if lane not in self.lanes:
            self.lanes[lane] = self.study.ask(), running_trial(self.started)
            self.started += 1
        theirs, ours = self.lanes[lane]
        epoch = len(ours.intermediate_values) + 1
        theirs.report(value, epoch)
        ours.intermediate_values[epoch] = value
        answers = bool(theirs.should_prune()), bool(self.group.should_prune(ours))
        if answers[0] or epoch == self.epochs:
            del self.lanes[lane]
            ours.state = TrialState.PRUNED if answers[0] else TrialState.COMPLETE
            ours.value = None if answers[0] else value
            self.study.tell(theirs, ours.value, state=ours.state)
            self.group.finish(ours)
        return answers


@settings(max_examples=60)
@given(pruners(), st.sampled_from(["val/accuracy", "val/loss"]), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_pruners_decide_like_those_of_optuna(
    pruner: tuple[dict[str, Any], optuna.pruners.BasePruner], objective: str, workers: int, seed: int
) -> None:
    race = Race(*pruner, objective)
    draw = random.Random(seed)
    for _ in range(150):
        value = draw.choice([0.0, 0.5, draw.gauss(0, 1), draw.gauss(0, 1)])  # some are equal
        theirs, ours = race.report(draw.randrange(workers), value)
        assert ours is theirs


def optunas_bracket_count(factor: int, epochs: int) -> int:
    """Optuna's formula, with the rounding of its float logarithm."""
    return math.floor(math.log(epochs, factor)) + 1


@pytest.mark.parametrize(("epochs", "factor"), [(81, 3), (242, 3), (244, 3), (999, 10), (1024, 2)])
def test_hyperband_decides_as_that_of_optuna_near_a_power_of_its_factor(epochs: int, factor: int) -> None:
    options = {"min_resource": 1, "reduction_factor": factor}
    theirs = optuna.pruners.HyperbandPruner(max_resource=epochs, **options)
    race = Race({"kind": "hyperband", **options}, theirs, "val/loss", epochs)
    draw = random.Random(0)
    for _ in range(500):
        optunas, ours = race.report(draw.randrange(4), draw.random())
        assert ours is optunas


@pytest.mark.parametrize(("epochs", "factor", "brackets"), [(243, 3, 6), (1000, 10, 4)])
def test_hyperband_has_the_bracket_that_optuna_loses_by_rounding(epochs: int, factor: int, brackets: int) -> None:
    """The floor of math.log(243, 3), which is 4.999..., gives Optuna one bracket fewer than the paper has."""
    assert optunas_bracket_count(factor, epochs) == brackets - 1
    assert bracket_count(1, factor, epochs) == brackets


@pytest.mark.parametrize("factor", [*range(2, 20), 1000])
def test_brackets_are_as_many_as_in_optuna_except_at_powers_that_it_rounds_down(factor: int) -> None:
    powers = {factor**exponent for exponent in range(1, 14)}
    for epochs in range(1, 10_001):
        missing = bracket_count(1, factor, epochs) - optunas_bracket_count(factor, epochs)
        assert missing == 0 or (missing == 1 and epochs in powers)


SAMPLERS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, constant_liar=True),
    "cmaes": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
}
ENDS = [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]


@pytest.mark.parametrize("kind", SAMPLERS)
@pytest.mark.parametrize("workers", [1, 4])
def test_samplers_propose_like_those_of_optuna(workers: int, kind: str) -> None:
    sampler = TrialSampler(spec(space=SPACE, sampler={"kind": kind}))
    study = optuna.create_study(direction="maximize")
    draw = random.Random(0)
    running = []
    for number in range(60):
        ours = sampler.start(number)
        study.sampler = SAMPLERS[kind](sampling_seed(0, number))
        theirs = study.ask(DISTRIBUTIONS)
        assert ours.params == theirs.params
        running.append((ours, theirs))
        if len(running) == workers:
            ours, theirs = running.pop(draw.randrange(workers))
            ours.state = draw.choice(ENDS)
            ours.intermediate_values[1] = quality(ours)
            theirs.report(quality(ours), 1)
            ours.value = quality(ours) if ours.state is TrialState.COMPLETE else None
            study.tell(theirs, ours.value, state=ours.state)
            sampler.finish(ours)


@pytest.mark.parametrize(("kind", "most"), [("tpe", 300), ("cmaes", 600)])
def test_sampler_with_many_startup_trials_sees_enough_trials_to_start(kind: str, most: int) -> None:
    sampler = TrialSampler(spec(space=SPACE, sampler={"kind": kind, "n_startup_trials": most}))
    for number in range(most + 50):
        trial = sampler.start(number, dict.fromkeys(SPACE, 0.1 + number))
        trial.state, trial.value = TrialState.COMPLETE, number
        sampler.finish(trial)
    assert len(sampler._storage.get_all_trials(0)) >= most


# -- cost: does not grow with the number of trials --------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "most"), [("random", 0), ("grid", 0), ("qmc", 0), ("tpe", 250), ("cmaes", 500)])
def test_sampler_sees_a_bounded_number_of_trials(kind: str, most: int) -> None:
    sampler = TrialSampler(spec(space=SPACE if kind != "grid" else {}, sampler={"kind": kind}))
    for number in range(600):
        trial = sampler.start(number, {name: 0.1 * number for name in SPACE if kind != "grid"})
        trial.state, trial.value = TrialState.COMPLETE, number
        sampler.finish(trial)
    assert len(sampler._storage.get_all_trials(0)) == most


class CountingFloat(float):
    """A number that counts the comparisons with it."""

    comparisons = 0

    def __lt__(self, other: float) -> bool:
        CountingFloat.comparisons += 1
        return float(self) < other

    def __le__(self, other: float) -> bool:
        CountingFloat.comparisons += 1
        return float(self) <= other

    def __gt__(self, other: float) -> bool:
        CountingFloat.comparisons += 1
        return float(self) > other


@pytest.mark.parametrize("kind", ["none", "asha", "hyperband", "median", "percentile"])
def test_report_is_compared_with_few_earlier_trials(kind: str) -> None:
    group = PruningGroup("study", spec(pruner={"kind": kind}, objective="val/loss").search, EPOCHS)
    draw = random.Random(0)
    trials = 2000
    for number in range(trials):
        CountingFloat.comparisons = 0
        trial = running_trial(number)
        trial.intermediate_values[1] = CountingFloat(draw.random())
        group.should_prune(trial)
        trial.state, trial.value = TrialState.COMPLETE, trial.intermediate_values[1]
        group.finish(trial)
        assert CountingFloat.comparisons <= 3 * math.log2(trials)
    assert CountingFloat.comparisons > 0
