"""Defaults of a study spec, the fields that a search may vary, and what a trial's parameters change."""

from typing import Any

import pytest
from pydantic import ValidationError

from cluster.spec.direction import Direction
from cluster.spec.space import Range
from cluster.spec.study_spec import StudySpec
from mnist_core.config import CosineSchedule, LenetConfig, MlpConfig, MultitaskConfig, TrainingConfig
from mnist_core.errors import SpecError


def spec(**fields: Any) -> StudySpec:
    return StudySpec.model_validate({"name": "study", **fields})


def searching(space: dict[str, Any], **fields: Any) -> StudySpec:
    return spec(search={"space": space, "sampler": fields.pop("sampler", {"kind": "random"})}, **fields)


def test_spec_with_a_name_only_trains_the_tutorials_mlp_once() -> None:
    study = spec()
    assert study.resolve({}) == (MlpConfig(), TrainingConfig())
    assert (study.trials, study.data.source, study.data.holdout) == (1, "bundled", 10_000)
    assert (study.limits.minutes, study.limits.epoch_timeout_s, study.limits.attempts) == (None, 300, 3)
    assert (study.workers.cpu, study.workers.gpu, study.stop.objective) == ("auto", "auto", None)


@pytest.mark.parametrize("name", ["a", "mlp-asha", "3.1_b", "_x", "a" * 64])
def test_name_that_can_be_a_folder_is_accepted(name: str) -> None:
    assert spec(name=name).name == name


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "-x", "a/b", "../x", "a\\b", "a\n", "a b", "é", "a" * 65, "a\0"])
def test_name_that_could_escape_its_folder_is_rejected(name: str) -> None:
    with pytest.raises(ValidationError, match="should be 1 to 64 letters"):
        spec(name=name)


@pytest.mark.parametrize(
    ("objective", "direction"), [("val/accuracy", Direction.MAXIMIZE), ("val/loss", Direction.MINIMIZE)]
)
def test_loss_is_minimised_and_accuracy_maximised(objective: str, direction: Direction) -> None:
    assert spec(search={"objective": objective}).search.direction is direction


def test_objective_of_multitask_is_rejected_if_another_network_may_be_chosen() -> None:
    search = {"objective": "val/parity_accuracy", "space": {"model.kind": {"choices": ["multitask", "mlp"]}}}
    with pytest.raises(ValidationError, match="not by mlp"):
        spec(model={"kind": "multitask"}, search=search)
    assert spec(model={"kind": "multitask"}, search={"objective": "val/parity_accuracy"}).model_kinds == ("multitask",)


def test_accuracy_of_the_digit_is_an_objective_of_all_networks() -> None:
    search = {"objective": "val/digit_accuracy", "space": {"model.kind": {"choices": ["multitask", "mlp", "lenet"]}}}
    assert spec(search=search).model_kinds == ("multitask", "mlp", "lenet")


def test_parameters_replace_the_fields_that_they_name() -> None:
    study = searching(
        {
            "training.learning_rate": {"low": 0.01, "high": 0.1},
            "training.schedule": {"choices": [{"kind": "constant"}, {"kind": "cosine", "final_fraction": 0.1}]},
            "model.hidden": {"choices": [[64], [128, 64]]},
        },
        training={"momentum": 0.9},
    )
    model, training = study.resolve(
        {
            "training.learning_rate": 0.05,
            "training.schedule": {"kind": "cosine", "final_fraction": 0.1},
            "model.hidden": [64],
        }
    )
    assert model == MlpConfig(hidden=(64,))
    assert training == TrainingConfig(learning_rate=0.05, momentum=0.9, schedule=CosineSchedule(final_fraction=0.1))


def test_chosen_model_replaces_the_whole_model() -> None:
    study = searching({"model": {"choices": [{"kind": "mlp"}, {"kind": "lenet", "hidden": 100}]}})
    assert study.model_kinds == ("mlp", "lenet")
    assert study.resolve({"model": {"kind": "lenet", "hidden": 100}})[0] == LenetConfig(hidden=100)


def test_chosen_kind_keeps_the_fields_that_the_model_sets_and_has_its_own_defaults() -> None:
    study = searching(
        {"model.kind": {"choices": ["mlp", "lenet", "multitask"]}}, model={"kind": "mlp", "initializer": "xavier"}
    )
    assert study.resolve({"model.kind": "lenet"})[0] == LenetConfig(initializer="xavier")
    assert study.resolve({"model.kind": "multitask"})[0] == MultitaskConfig(initializer="xavier")
    assert study.resolve({"model.kind": "mlp"})[0] == MlpConfig(initializer="xavier")


def test_share_of_a_gpu_that_ray_cannot_give_is_rejected() -> None:
    assert spec(workers={"gpu_fraction": 0.0001}).workers.gpu_fraction == 0.0001
    for fraction in (0.00009, 0, 1.001):
        with pytest.raises(ValidationError, match="gpu_fraction"):
            spec(workers={"gpu_fraction": fraction})


def test_range_has_the_number_type_of_its_field() -> None:
    study = searching(
        {"training.momentum": {"low": 0, "high": 0.9}, "training.batch_size": {"low": 50, "high": 200, "step": 50}}
    )
    assert study.search.space == {
        "training.momentum": Range(low=0.0, high=0.9),
        "training.batch_size": Range(low=50, high=200, step=50),
    }
    assert [type(getattr(entry, "low", None)) for entry in study.search.space.values()] == [float, int]


def test_grid_has_at_most_one_trial_for_each_point() -> None:
    space = {
        "training.momentum": {"low": 0, "high": 0.9, "step": 0.3},
        "model.activation": {"choices": ["relu", "tanh"]},
    }
    study = searching(space, sampler={"kind": "grid"}, trials=100)
    assert (study.search.grid_size, study.trials) == (8, 8)
    assert searching(space, sampler={"kind": "grid"}, trials=5).trials == 5
    assert searching(space, trials=100).trials == 100


def test_max_epochs_are_those_of_the_longest_choice() -> None:
    assert spec(training={"epochs": 7}).max_epochs == 7
    assert searching({"training.epochs": {"low": 2, "high": 30}}).max_epochs == 30


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"training.learning_rat": {"low": 0.1, "high": 0.2}}, "did you mean training.learning_rate"),
        ({"trials": {"low": 1, "high": 2}}, "there is no field trials"),
        ({"model.filters": {"choices": [[1, 2]]}}, "there is no field model.filters for mlp"),
        ({"training.schedule.factor": {"low": 0.1, "high": 0.5}}, "no field training.schedule.factor"),
        ({"training.momentum": {"low": 0.5, "high": 1.0}}, "momentum is 1.0, but should be less than 1"),
        ({"training.epochs": {"low": 1.0, "high": 5.0}}, "epochs is 1.0, but should be an integer"),
        ({"training.epochs": {"low": 1, "high": 5, "step": 0.5}}, "step is 0.5, but should be an integer, as"),
        ({"model.activation": {"low": 1, "high": 2}}, "activation is 1, but should be 'relu'"),
        ({"training.optimizer": {"choices": ["sgd", "sgdd"]}}, "optimizer is \"sgdd\", but should be 'sgd'"),
        ({"model": {"choices": [{"kind": "mlp"}, {"kind": "cnn"}]}}, 'model.kind is "cnn", but should be one of'),
        ({"model": {"choices": [{"kind": "mlp"}]}, "model.hidden": {"choices": [[3]]}}, "replaces model as a whole"),
        ({"model.kind": {"choices": ["mlp", "lenet"]}, "model.hidden": {"low": 8, "high": 9}}, "should be a list"),
        ({"training.momentum": {"choices": []}}, "at least 1 item"),
        ({"training.momentum": {"choices": [float("nan")]}}, "should be a finite number"),
    ],
)
def test_space_that_does_not_fit_the_fields_is_rejected(space: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        searching(space)


def test_grid_over_a_range_without_a_step_is_rejected() -> None:
    with pytest.raises(ValidationError, match="the sampler grid needs a step or choices"):
        searching({"training.momentum": {"low": 0, "high": 0.9}}, sampler={"kind": "grid"})


@pytest.mark.parametrize(
    "params", [{"model.nothing": 1}, {"nothing": 1}, {"training.epochs.x": 1}, {"training.epochs": "x"}]
)
def test_parameters_of_another_study_are_rejected(params: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="do not belong to the study"):
        spec().resolve(params)
