"""TrialSampler that depend on seed, number and what was told; and pruning among trials of the same kind of network."""

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest

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
TWO_KINDS = {"model.kind": {"choices": ["mlp", "lenet"]}}
EPOCHS = 4


def spec(seed: int = 0, trials: int = 50, **search: Any) -> StudySpec:
    fields = {"name": "study", "seed": seed, "trials": trials, "training": {"epochs": EPOCHS}, "search": search}
    return StudySpec.model_validate(fields)


def sampling(kind: str, seed: int = 0, **search: Any) -> StudySpec:
    return spec(seed, space=GRID if kind == "grid" else SPACE, sampler={"kind": kind}, **search)


def quality(params: Mapping[str, ParamValue]) -> float:
    """An objective with its best at a learning rate of 0.1; a space without learning rates gives always the same."""
    rate = params.get("training.learning_rate", 1.0)
    assert isinstance(rate, float)
    return 1 - abs(math.log10(rate) + 1) / 4


class Journal:
    """What a study store keeps: enough to tell another search all that this one was told."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.records: list[tuple[int, dict[str, ParamValue], dict[int, float], TrialState | None, float | None]] = []

    def run(self, number: int, ends: bool = True) -> None:
        """Runs one trial to its end, or leaves it in flight after its first epoch."""
        params, reported = self.search.ask(number), dict[int, float]()
        outcome: TrialState | None = None
        for epoch in range(1, EPOCHS + 1 if ends else 2):
            reported[epoch] = quality(params) * epoch / EPOCHS
            if self.search.report(number, epoch, reported[epoch]) and ends:
                outcome = TrialState.PRUNED
                break
        value = quality(params) if ends and outcome is None else None
        outcome = outcome or (TrialState.COMPLETE if ends else None)
        self.records.append((number, params, reported, outcome, value))
        if outcome is not None:
            self.search.tell(number, outcome, value)

    def told_to(self, search: Search) -> Search:
        """The search after it was told everything, as a resumed study does it."""
        for number, params, reported, outcome, value in self.records:
            search.adopt(number, json.loads(json.dumps(params)), reported)
            if outcome is not None:
                search.tell(number, outcome, value)
        return search


# -- proposals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["random", "grid", "qmc", "tpe", "cmaes"])
def test_proposals_are_values_of_their_fields_and_json_keeps_them(kind: str) -> None:
    study = sampling(kind)
    search = Search(study)
    for number in range(12):
        params = search.ask(number)
        assert list(params) == list(study.search.space)
        assert json.loads(json.dumps(params)) == params
        study.resolve(params)
        search.tell(number, TrialState.COMPLETE, quality(params))


@pytest.mark.parametrize("kind", ["random", "qmc"])
def test_proposals_fill_the_space(kind: str) -> None:
    search = Search(sampling(kind))
    proposals = [search.ask(number) for number in range(64)]
    assert {params["training.momentum"] for params in proposals} == {0.0, 0.3, 0.6, 0.9}
    assert {json.dumps(params["model.hidden"]) for params in proposals} == {"[128, 64]", "[32]"}
    rates = [float(str(params["training.learning_rate"])) for params in proposals]
    assert min(rates) < 0.002
    assert max(rates) > 0.25


@pytest.mark.parametrize("kind", ["random", "qmc", "tpe", "cmaes"])
def test_the_same_seed_gives_the_same_proposals_and_another_seed_others(kind: str) -> None:
    def proposals(seed: int) -> list[dict[str, ParamValue]]:
        journal = Journal(Search(sampling(kind, seed)))
        for number in range(14):
            journal.run(number)
        return [record[1] for record in journal.records]

    assert proposals(3) == proposals(3)
    assert proposals(3) != proposals(4)


@pytest.mark.parametrize("kind", ["random", "grid", "qmc"])
def test_random_grid_and_qmc_depend_on_seed_and_number_alone(kind: str) -> None:
    study = sampling(kind)
    journal = Journal(Search(study))
    for number in range(10):
        journal.run(number)
    assert [Search(study).ask(number) for number in range(10)] == [record[1] for record in journal.records]


@pytest.mark.parametrize("pruner", ["none", "asha", "hyperband", "median"])
@pytest.mark.parametrize("kind", ["random", "grid", "qmc", "tpe"])
def test_a_resumed_search_goes_on_as_if_it_had_never_stopped(kind: str, pruner: str) -> None:
    study = sampling(kind, pruner={"kind": pruner})
    unbroken = Journal(Search(study))
    for number in range(14):
        unbroken.run(number, ends=number != 12)
    resumed = Journal(unbroken.told_to(Search(study)))
    for number in (14, 15):
        unbroken.run(number)
        resumed.run(number)
    assert resumed.records == unbroken.records[-2:]
    assert [resumed.search.report(12, epoch, 0.1) for epoch in (2, 3)] == [
        unbroken.search.report(12, epoch, 0.1) for epoch in (2, 3)
    ]


def test_tpe_proposes_better_trials_than_random() -> None:
    def late_quality(kind: str) -> float:
        journal = Journal(Search(sampling(kind)))
        for number in range(40):
            journal.run(number)
        return sum(quality(record[1]) for record in journal.records[20:]) / 20

    assert late_quality("tpe") > late_quality("random") + 0.1


def test_a_grid_proposes_each_point_once_and_then_no_more() -> None:
    study = sampling("grid")
    search = Search(study)
    points = [json.dumps(search.ask(number)) for number in range(study.trials)]
    assert len(set(points)) == len(points) == study.search.grid_size == 4 * 2 * 2
    with pytest.raises(ValueError, match="exhausted"):
        search.ask(study.trials)


@pytest.mark.parametrize("kind", ["random", "grid", "qmc", "tpe", "cmaes"])
def test_an_empty_space_proposes_nothing_but_the_trial_itself(kind: str) -> None:
    search = Search(spec(sampler={"kind": kind}))
    assert search.ask(0) == {}
    assert not search.report(0, 1, 0.5)
    search.tell(0, TrialState.COMPLETE, 0.5)


def test_a_chosen_mapping_is_proposed_as_it_was_written() -> None:
    choices = [{"kind": "mlp", "hidden": [8]}, {"kind": "lenet"}]
    search = Search(spec(space={"model": {"choices": choices}}, sampler={"kind": "random"}))
    assert all(search.ask(number)["model"] in choices for number in range(8))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None])
def test_a_value_that_is_not_finite_is_like_a_failure_to_the_sampler(bad: float | None) -> None:
    def next_after(outcome: TrialState, value: float | None) -> dict[str, ParamValue]:
        journal = Journal(Search(sampling("tpe")))
        for number in range(12):
            journal.run(number)
        journal.search.ask(12)
        journal.search.tell(12, outcome, value)
        return journal.search.ask(13)

    assert next_after(TrialState.COMPLETE, bad) == next_after(TrialState.FAIL, None)


# -- pruning ----------------------------------------------------------------------------------------------------------


def pruning(pruner: Mapping[str, Any], **search: Any) -> Search:
    return Search(spec(pruner=pruner, sampler={"kind": "random"}, **search))


def run_to_the_end(search: Search, number: int, values: list[float]) -> None:
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
def test_a_pruner_stops_a_trial_that_gets_worse_and_no_good_one(
    pruner: dict[str, Any], prunes: bool, objective: str
) -> None:
    if pruner["kind"] == "threshold" or pruner.get("wrapped", {}).get("kind") == "threshold":
        objective = "val/accuracy"  # its bounds are values of the objective, not good and bad ones
    sign = 1 if objective == "val/accuracy" else -1
    search = pruning(pruner, objective=objective)
    for number in range(6):
        run_to_the_end(search, number, [sign * value for value in (0.6, 0.7, 0.8, 0.9)])
    search.ask(6)
    assert any(search.report(6, epoch, sign * 0.1 / epoch) for epoch in range(1, 5)) is prunes
    search.ask(7)
    assert not any(search.report(7, epoch, sign * (0.6 + epoch / 12)) for epoch in range(1, 5))


@pytest.mark.parametrize(
    "pruner",
    [{"kind": "asha", "reduction_factor": 2}, {"kind": "median", "n_startup_trials": 1}, {"kind": "wilcoxon"}],
)
def test_a_trial_is_compared_with_its_own_kind_of_network_only(pruner: dict[str, Any]) -> None:
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


def test_an_epoch_reported_again_gives_the_same_answer_and_changes_nothing() -> None:
    search = pruning({"kind": "asha", "reduction_factor": 2})
    run_to_the_end(search, 0, [0.9, 0.9, 0.9, 0.9])
    search.ask(1)
    assert search.report(1, 1, 0.1)
    assert search.report(1, 1, 0.1)
    search.ask(2)
    assert not search.report(2, 1, 0.95)
    assert not search.report(2, 2, 0.96)
    assert not search.report(2, 1, 0.95)


def test_a_value_that_is_not_finite_stops_the_trial_and_no_pruner_learns_it() -> None:
    search = pruning({"kind": "asha", "reduction_factor": 2})
    search.ask(0)
    assert search.report(0, 1, math.nan)
    search.tell(0, TrialState.FAIL)
    search.ask(1)
    assert search.report(1, 1, math.inf)
    search.tell(1, TrialState.PRUNED)
    search.ask(2)
    assert not search.report(2, 1, 0.1)


# -- misuse and manners -----------------------------------------------------------------------------------------------


def test_a_number_that_is_running_cannot_be_asked_for_and_one_that_is_not_cannot_be_told() -> None:
    search = Search(sampling("random"))
    search.ask(0)
    with pytest.raises(ValueError, match="trial 0 is running already"):
        search.ask(0)
    with pytest.raises(ValueError, match="trial 1 is not running"):
        search.report(1, 1, 0.5)
    search.tell(0, TrialState.FAIL)
    with pytest.raises(ValueError, match="trial 0 is not running"):
        search.tell(0, TrialState.FAIL)


@pytest.mark.parametrize("pruner", ["wilcoxon", "patient", "hyperband"])
def test_a_search_says_nothing(pruner: str, capfd: pytest.CaptureFixture[str]) -> None:
    journal = Journal(Search(sampling("cmaes", pruner={"kind": pruner})))
    for number in range(6):
        journal.run(number)
    assert capfd.readouterr() == ("", "")


def test_an_adopted_trial_is_not_stopped_at_an_epoch_that_it_survived() -> None:
    live = pruning({"kind": "asha", "reduction_factor": 2})
    for number in range(3):
        live.ask(number)
    assert not live.report(2, 1, 0.1)  # the first at its rung
    resumed = pruning({"kind": "asha", "reduction_factor": 2})
    for number, value in ((0, 0.9), (1, 0.8)):
        resumed.adopt(number, {}, {1: value})
    resumed.adopt(2, {}, {1: 0.1, 2: 0.2})  # told after the better ones, as it never was
    assert not resumed.report(2, 1, 0.1)
