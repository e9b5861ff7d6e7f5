"""Proposals depend on the seed, the number of the trial and earlier results."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy.stats import qmc

from cluster.search.sampling import TrialSampler
from cluster.search.search import Search
from cluster.spec.space import ParamValue
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialState

SPACE = {
    "training.learning_rate": {"low": 0.001, "high": 0.5, "log": True},
    "training.momentum": {"low": 0.0, "high": 0.9, "step": 0.3},
    "training.batch_size": {"low": 10, "high": 200},
    "model.hidden": {"choices": [[128, 64], [32]]},
    "training.schedule": {"choices": [{"kind": "constant"}, {"kind": "cosine"}]},
}
GRID = {name: SPACE[name] for name in ("training.momentum", "model.hidden", "training.schedule")}
EPOCHS = 4


def spec(seed: int = 0, trials: int = 50, **search: Any) -> StudySpec:
    fields = {"name": "study", "seed": seed, "trials": trials, "training": {"epochs": EPOCHS}, "search": search}
    return StudySpec.model_validate(fields)


def sampling(kind: str, seed: int = 0, **search: Any) -> StudySpec:
    return spec(seed, space=GRID if kind == "grid" else SPACE, sampler={"kind": kind}, **search)


def quality(params: Mapping[str, ParamValue]) -> float:
    """An objective with its best at a learning rate of 0.1; constant for a space without learning rates."""
    rate = params.get("training.learning_rate", 1.0)
    assert isinstance(rate, float)
    return 1 - abs(math.log10(rate) + 1) / 4


class Journal:
    """Records what a study's store records: enough to restore the search in another process."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.records: list[tuple[int, dict[str, ParamValue], dict[int, float], TrialState | None, float | None]] = []

    def run(self, number: int, ends: bool = True) -> None:
        """Runs one trial to its end, or leaves it running after its first epoch."""
        params = self.search.ask(number)
        reported: dict[int, float] = {}
        state: TrialState | None = None
        for epoch in range(1, EPOCHS + 1 if ends else 2):
            reported[epoch] = quality(params) * epoch / EPOCHS
            if self.search.report(number, epoch, reported[epoch]) and ends:
                state = TrialState.PRUNED
                break
        value = quality(params) if ends and state is None else None
        state = state or (TrialState.COMPLETE if ends else None)
        self.records.append((number, params, reported, state, value))
        if state is not None:
            self.search.tell(number, state, value)

    def replay_to(self, search: Search) -> Search:
        """Replays all trials into a search, as a resumed study does."""
        for number, params, reported, state, value in self.records:
            search.adopt(number, json.loads(json.dumps(params)), reported)
            if state is not None:
                search.tell(number, state, value)
        return search


def startup(kind: str, trials: int) -> dict[str, int]:
    """The option of a sampler that draws this many trials at random, if it learns from trials."""
    return {"n_startup_trials": trials} if kind in ("tpe", "cmaes", "gp") else {}


# -- proposals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["random", "grid", "qmc", "tpe", "cmaes"])
def test_proposals_are_valid_for_their_fields_and_survive_json(kind: str) -> None:
    study = sampling(kind)
    search = Search(study)
    for number in range(12):
        params = search.ask(number)
        assert list(params) == list(study.search.space)
        assert json.loads(json.dumps(params)) == params
        study.resolve(params)
        search.tell(number, TrialState.COMPLETE, quality(params))


@pytest.mark.parametrize("kind", ["random", "qmc"])
def test_proposals_cover_the_space(kind: str) -> None:
    search = Search(sampling(kind))
    proposals = [search.ask(number) for number in range(64)]
    assert {params["training.momentum"] for params in proposals} == {0.0, 0.3, 0.6, 0.9}
    assert {json.dumps(params["model.hidden"]) for params in proposals} == {"[128, 64]", "[32]"}
    rates = [float(str(params["training.learning_rate"])) for params in proposals]
    assert min(rates) < 0.002
    assert max(rates) > 0.25


@pytest.mark.parametrize("kind", ["random", "qmc", "tpe", "cmaes", "gp"])
@pytest.mark.parametrize(
    ("field", "low", "high"), [("training.batch_size", 1, 1024), ("training.momentum", 2**-11, 0.5)]
)
def test_half_of_a_logarithmic_range_lies_below_its_geometric_mean(
    field: str, low: float, high: float, kind: str
) -> None:
    space = {field: {"low": low, "high": high, "log": True}}
    search = Search(spec(space=space, sampler={"kind": kind, **startup(kind, 100)}))
    values = [float(str(search.ask(number)[field])) for number in range(100)]
    assert 35 <= sum(value <= math.sqrt(low * high) for value in values) <= 65  # of 100 in a linear range: 3


@pytest.mark.parametrize("kind", ["random", "qmc", "tpe", "cmaes"])
def test_same_seed_gives_the_same_proposals_and_another_seed_different_ones(kind: str) -> None:
    def proposals(seed: int) -> list[dict[str, ParamValue]]:
        journal = Journal(Search(sampling(kind, seed)))
        for number in range(14):
            journal.run(number)
        return [record[1] for record in journal.records]

    assert proposals(3) == proposals(3)
    assert proposals(3) != proposals(4)


@pytest.mark.parametrize("kind", ["random", "grid", "qmc"])
def test_random_grid_and_qmc_depend_only_on_seed_and_number(kind: str) -> None:
    study = sampling(kind)
    journal = Journal(Search(study))
    for number in range(10):
        journal.run(number)
    assert [Search(study).ask(number) for number in range(10)] == [record[1] for record in journal.records]


@pytest.mark.parametrize("pruner", ["none", "asha", "hyperband", "median"])
@pytest.mark.parametrize("kind", ["random", "grid", "qmc", "tpe"])
def test_resumed_search_continues_as_if_it_had_never_stopped(kind: str, pruner: str) -> None:
    study = sampling(kind, pruner={"kind": pruner})
    uninterrupted = Journal(Search(study))
    for number in range(14):
        uninterrupted.run(number, ends=number != 12)
    resumed = Journal(uninterrupted.replay_to(Search(study)))
    for number in (14, 15):
        uninterrupted.run(number)
        resumed.run(number)
    assert resumed.records == uninterrupted.records[-2:]
    assert [resumed.search.report(12, epoch, 0.1) for epoch in (2, 3)] == [
        uninterrupted.search.report(12, epoch, 0.1) for epoch in (2, 3)
    ]


def test_tpe_proposes_better_trials_than_random() -> None:
    def late_quality(kind: str) -> float:
        journal = Journal(Search(sampling(kind)))
        for number in range(40):
            journal.run(number)
        return sum(quality(record[1]) for record in journal.records[20:]) / 20

    assert late_quality("tpe") > late_quality("random") + 0.1


def test_grid_proposes_each_point_once() -> None:
    study = sampling("grid")
    search = Search(study)
    points = [json.dumps(search.ask(number)) for number in range(study.trials)]
    assert len(set(points)) == len(points) == study.search.grid_size == 4 * 2 * 2
    with pytest.raises(ValueError, match="exhausted"):
        search.ask(study.trials)


@pytest.mark.parametrize("kind", ["random", "grid", "qmc", "tpe", "cmaes"])
def test_empty_space_proposes_trials_without_parameters(kind: str) -> None:
    search = Search(spec(sampler={"kind": kind}))
    assert search.ask(0) == {}
    assert not search.report(0, 1, 0.5)
    search.tell(0, TrialState.COMPLETE, 0.5)


def test_mapping_is_proposed_as_it_was_written() -> None:
    choices = [{"kind": "mlp", "hidden": [8]}, {"kind": "lenet"}]
    search = Search(spec(space={"model": {"choices": choices}}, sampler={"kind": "random"}))
    assert all(search.ask(number)["model"] in choices for number in range(8))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None])
def test_sampler_treats_a_value_that_is_not_finite_as_a_failure(bad: float | None) -> None:
    def next_after(state: TrialState, value: float | None) -> dict[str, ParamValue]:
        journal = Journal(Search(sampling("tpe")))
        for number in range(12):
            journal.run(number)
        journal.search.ask(12)
        journal.search.tell(12, state, value)
        return journal.search.ask(13)

    assert next_after(TrialState.COMPLETE, bad) == next_after(TrialState.FAIL, None)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("names", [["training.momentum"], ["training.learning_rate", "training.momentum"]])
def test_qmc_proposes_the_points_of_one_scrambled_sobol_sequence_each_once(names: list[str], seed: int) -> None:
    search = Search(spec(seed, space={name: {"low": 0.0001, "high": 0.9} for name in names}, sampler={"kind": "qmc"}))
    proposals = [search.ask(number) for number in range(64)]
    points = np.array([[params[name] for name in names] for params in proposals])
    sobol = qmc.Sobol(len(names), scramble=True, seed=seed).random(64)
    np.testing.assert_allclose((points - 0.0001) / (0.9 - 0.0001), sobol, atol=1e-9)
    for column in points.T:  # each 64th of the range holds exactly one point
        assert sorted(np.floor((column - 0.0001) / (0.9 - 0.0001) * 64)) == list(range(64))


@pytest.mark.parametrize(
    ("low", "high", "step"), [(0.0, 0.9, 0.1), (0.1, 0.9, 0.1), (0.05, 0.95, 0.1), (0.3, 0.9, 0.2)]
)
def test_resumed_search_takes_each_step_for_what_it_was(low: float, high: float, step: float) -> None:
    study = spec(space={"training.momentum": {"low": low, "high": high, "step": step}}, sampler={"kind": "grid"})
    for number in range(round((high - low) / step) + 1):
        proposed = Search(study).ask(number)
        sampler = TrialSampler(study)
        assert sampler.params(sampler.start(number, json.loads(json.dumps(proposed)))) == proposed


# -- misuse and side effects ------------------------------------------------------------------------------------------


def test_only_a_running_trial_can_be_reported_or_told_and_it_cannot_be_asked_again() -> None:
    search = Search(sampling("random"))
    search.ask(0)
    with pytest.raises(ValueError, match="trial 0 is already running"):
        search.ask(0)
    with pytest.raises(ValueError, match="trial 0 is already running"):
        search.adopt(0, {}, {})
    with pytest.raises(ValueError, match="trial 1 is not running"):
        search.report(1, 1, 0.5)
    search.tell(0, TrialState.FAIL)
    with pytest.raises(ValueError, match="trial 0 is not running"):
        search.tell(0, TrialState.FAIL)


@pytest.mark.parametrize("value", [True, "0.1", [0.1]])
def test_adopted_value_that_is_no_number_is_not_in_a_range(value: ParamValue) -> None:
    search = Search(spec(space={"training.momentum": {"low": 0.0, "high": 0.9}}, sampler={"kind": "random"}))
    with pytest.raises(ValueError, match=re.escape(f"{value!r} is not in a range")):
        search.adopt(0, {"training.momentum": value}, {})


@pytest.mark.parametrize("pruner", ["wilcoxon", "patient", "hyperband"])
def test_search_prints_nothing(pruner: str, capfd: pytest.CaptureFixture[str]) -> None:
    journal = Journal(Search(sampling("cmaes", pruner={"kind": pruner})))
    for number in range(6):
        journal.run(number)
    assert capfd.readouterr() == ("", "")
