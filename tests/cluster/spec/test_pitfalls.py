"""Settings that could have no effect."""

from typing import Any

import pytest

from cluster.spec.pitfalls import find_partial_settings
from cluster.spec.spec_file import load_spec
from cluster.spec.study_spec import StudySpec
from cluster.spec.yaml_document import write_yaml
from mnist_core.errors import SpecError

RATE = "training.learning_rate"


def new_study(tree: dict[str, Any], *overrides: str) -> StudySpec:
    return load_spec(write_yaml({"name": "mine", **tree}), overrides, is_new=True)


def new_study_error(tree: dict[str, Any], *overrides: str) -> str:
    with pytest.raises(SpecError) as raised:
        new_study(tree, *overrides)
    message = str(raised.value)
    assert "\n" not in message
    return message


def space_error(space: dict[str, Any]) -> str:
    return new_study_error({"search": {"space": space}})


@pytest.mark.parametrize("override", ["limits.minutes=None", "training.epochs=None", "search.pruner=None"])
def test_none_is_explained_as_null(override: str) -> None:
    message = new_study_error({}, override)
    assert message.startswith(f'--set {override}: {override.partition("=")[0]} is "None", but should be ')
    assert message.endswith("; YAML writes None as null")


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        (RATE, [1, 1.0]),
        ("training.schedule", [{"kind": "cosine"}, {"kind": "cosine", "final_fraction": 0}]),
        ("model", [{"kind": "mlp", "hidden": [128, 64]}, {"kind": "lenet"}, {"kind": "mlp"}]),
    ],
)
def test_choices_that_mean_the_same_are_one_point_and_rejected(name: str, choices: list[Any]) -> None:
    assert space_error({name: {"choices": choices}}).endswith(f"which are the same {name}: remove one of them")


def test_older_study_keeps_choices_that_mean_the_same() -> None:
    older = f"name: older\nsearch: {{space: {{{RATE}: {{choices: [1, 1.0]}}}}}}"
    assert load_spec(older).search.space[RATE].size == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("search.pruner={kind: asha, min_resource: 4}", "search.pruner.min_resource is 4, so the pruner would have no"),
        (
            "search.pruner={kind: asha, min_early_stopping_rate: 2}",
            "it stops no trial before epoch 9, and trials train",
        ),
        ("search.pruner={kind: hyperband, min_resource: 4}", "trials train at most 3 epochs"),
        ("search.pruner={kind: median, n_warmup_steps: 4}", "search.pruner.n_warmup_steps is 4"),
        ("search.pruner={kind: patient, patience: 2}", "it stops no trial before epoch 4"),
        (
            "search.pruner={kind: patient, wrapped: {kind: asha, min_resource: 4}}",
            "search.pruner.wrapped.min_resource is 4",
        ),
        ("search.pruner={kind: threshold, lower: 95}", "search.pruner.lower is 95, but val/accuracy is a share"),
        ("stop.objective=97", "stop.objective is 97, but val/accuracy is a share, from 0 to 1: did you mean 0.97?"),
        ("stop.objective=-0.1", "stop.objective is -0.1, but val/accuracy is a share, from 0 to 1"),
    ],
)
def test_setting_without_effect_is_rejected_for_a_new_study_only(override: str, message: str) -> None:
    text = new_study_error({"training": {"epochs": 3}}, override)
    assert text.startswith(f"--set {override}: ")
    assert message in text
    assert load_spec("name: older", ["training.epochs=3", override]).name == "older"


def test_goal_of_a_loss_may_exceed_one_but_not_be_negative() -> None:
    loss: dict[str, Any] = {"search": {"objective": "val/loss"}}
    assert new_study({**loss, "stop": {"objective": 2}}).stop.objective == 2
    assert "val/loss is never less than 0" in new_study_error(loss, "stop.objective=-1")


def test_pruner_that_starts_at_the_last_epoch_of_the_longest_trial_is_accepted() -> None:
    space = {"training.epochs": {"choices": [1, 3]}}
    assert new_study({"search": {"space": space, "pruner": {"kind": "asha", "min_resource": 3}}}).max_epochs == 3


@pytest.mark.parametrize(
    ("optimizers", "name", "message"),
    [
        (["adam"], "momentum", "the optimizer adam has no momentum, only sgd and nag"),
        (["sgd", "nag"], "beta1", "the optimizer sgd or nag has no beta1, only adam"),
    ],
)
def test_hyperparameter_that_no_optimizer_uses_is_not_searched(optimizers: list[str], name: str, message: str) -> None:
    space = {f"training.{name}": {"low": 0, "high": 0.9}, "training.optimizer": {"choices": optimizers}}
    assert space_error(space).endswith(message)


def test_hyperparameter_that_some_optimizers_use_gets_a_remark() -> None:
    space = {"training.momentum": {"low": 0, "high": 0.9}, "training.optimizer": {"choices": ["sgd", "adam"]}}
    spec = new_study({"search": {"space": space}})
    assert list(find_partial_settings(spec)) == [
        "training.momentum is searched, but trials with the optimizer adam do not use it"
    ]
    assert not list(find_partial_settings(load_spec("name: mine")))


def test_grid_without_trials_runs_all_its_points() -> None:
    grid: dict[str, Any] = {"space": {RATE: {"choices": [0.1, 0.2, 0.3]}}, "sampler": {"kind": "grid"}}
    assert new_study({"search": grid}).trials == 3
    assert new_study({"search": {**grid, "sampler": {"kind": "random"}}}).trials == 1
    large: dict[str, Any] = {f"training.{name}": {"low": 1, "high": 999} for name in ("epochs", "batch_size")}
    large["model.hidden"] = {"choices": [[1], [2]]}
    assert "the grid has 1996002 points: give `trials`" in new_study_error({"search": {**grid, "space": large}})


def test_choices_of_both_zeros_are_the_same() -> None:
    for choices in ([0, -0.0], [-0.0, 0.0]):
        assert space_error({"training.momentum": {"choices": choices}}).endswith(
            "training.momentum: remove one of them"
        )


@pytest.mark.parametrize(
    ("training", "remarks"),
    [
        ({"optimizer": "adam", "momentum": 0.5}, ["training.momentum is 0.5, but the optimizer adam does not use it"]),
        ({"optimizer": "adam", "momentum": 0}, []),
        ({"momentum": 0.5}, []),
        ({"beta1": 0.5}, ["training.beta1 is 0.5, but the optimizer sgd does not use it"]),
    ],
)
def test_hyperparameter_that_the_optimizer_does_not_use_gets_a_remark(
    training: dict[str, Any], remarks: list[str]
) -> None:
    assert list(find_partial_settings(new_study({"training": training}))) == remarks


@pytest.mark.parametrize(
    "pruner", [{"kind": "asha", "min_resource": 3}, {"kind": "asha", "min_early_stopping_rate": 1}, {"kind": "patient"}]
)
def test_pruner_that_starts_at_the_last_epoch_gets_a_remark(pruner: dict[str, Any]) -> None:
    tree = {"training": {"epochs": 3}, "search": {"pruner": pruner}}
    remark = "the pruner stops no trial before its last epoch, so it has no effect"
    assert list(find_partial_settings(new_study(tree))) == [remark]
    assert not list(find_partial_settings(new_study(tree, "training.epochs=4")))


def test_goal_slightly_above_one_is_shown_as_it_is() -> None:
    assert "stop.objective is 1.0000001, but val/accuracy is a share, from 0 to 1" in new_study_error(
        {}, "stop.objective=1.0000001"
    )


def test_goal_that_no_trial_reaches_is_rejected_when_a_study_is_continued() -> None:
    older = "name: older\nstop: {objective: 97}"
    assert load_spec(older).stop.objective == 97
    with pytest.raises(SpecError, match=r"stop.objective is 97, .*: did you mean 0.97\?"):
        load_spec(older, can_stop=True)
