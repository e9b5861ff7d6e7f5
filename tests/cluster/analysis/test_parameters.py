"""Searched fields as columns: whole models taken apart, constant fields left out, labels as short as they can be."""

from cluster.analysis.parameters import parameter_columns, short_names
from cluster.spec.space import Params
from cluster.spec.study_spec import StudySpec


def columns(space: object, *params: dict[str, object]) -> dict[str, dict[int, str]]:
    spec = StudySpec.model_validate({"name": "study", "search": {"space": space}})
    found = parameter_columns(spec.search.space, dict(enumerate(params)))  # type: ignore[arg-type]
    return {column.label: dict(column.texts) for column in found}


def test_choice_of_whole_models_becomes_a_column_for_each_key_that_differs() -> None:
    wide = {"kind": "mlp", "hidden": [512, 256], "initializer": "xavier"}
    small = {"kind": "mlp", "hidden": [128, 64], "initializer": "xavier"}
    lenet = {"kind": "lenet", "initializer": "xavier"}
    space = {"model": {"choices": [wide, small, lenet]}}

    assert columns(space, {"model": wide}, {"model": small}, {"model": lenet}) == {
        "hidden": {0: "512-256", 1: "128-64"}
    }


def test_field_with_one_value_has_no_column() -> None:
    space = {"training.momentum": {"low": 0.0, "high": 0.9}}

    assert columns(space, {"training.momentum": 0.5}, {"training.momentum": 0.5}) == {}


def test_logarithmic_range_is_a_logarithmic_axis_and_choices_keep_their_order() -> None:
    space = {
        "training.learning_rate": {"low": 0.001, "high": 0.1, "log": True},
        "training.momentum": {"low": 0.0, "high": 0.9},
        "training.optimizer": {"choices": ["sgd", "adam", "nag"]},
        "training.batch_size": {"choices": [200, 50, 100]},
    }
    spec = StudySpec.model_validate({"name": "study", "search": {"space": space}})
    first: Params = {"training.learning_rate": 0.01, "training.momentum": 0.1}
    second: Params = {"training.learning_rate": 0.02, "training.momentum": 0.2}
    params: dict[int, Params] = {
        0: {**first, "training.optimizer": "nag", "training.batch_size": 200},
        1: {**second, "training.optimizer": "sgd", "training.batch_size": 50},
    }

    rate, momentum, optimizer, batch = parameter_columns(spec.search.space, params)

    assert (rate.is_numeric, rate.is_log) == (True, True)
    assert (momentum.is_numeric, momentum.is_log) == (True, False)
    assert (optimizer.is_numeric, optimizer.order) == (False, ["sgd", "nag"])
    assert (batch.is_numeric, batch.order) == (False, ["50", "200"])


def test_names_are_as_short_as_they_are_clear() -> None:
    assert short_names(["training.momentum"]) == {"training.momentum": "momentum"}
    assert short_names(["a.kind", "b.kind"]) == {"a.kind": "a.kind", "b.kind": "b.kind"}
