"""Spaces and keys in the words of W&B, NNI, Ray Tune, Ax, Optuna, Hyperopt, Hydra and others."""

from typing import Any

import pytest

from cluster.spec.spec_file import load_spec
from cluster.spec.study_spec import StudySpec
from cluster.spec.yaml_document import write_yaml
from mnist_core.errors import SpecError

RATE = "training.learning_rate"
SIZE = "training.batch_size"
LOG = "{low: 0.1, high: 0.2, log: true}"


def new_study(tree: dict[str, Any]) -> StudySpec:
    return load_spec(write_yaml({"name": "mine", **tree}), is_new=True)


def error_of(tree: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as raised:
        new_study(tree)
    message = str(raised.value)
    assert "\n" not in message
    return message


def space_error(space: Any, **tree: Any) -> str:
    return error_of({**tree, "search": {"space": space}})


@pytest.mark.parametrize(
    ("entry", "form"),
    [
        ([0.1, 0.2], "{choices: [0.1, 0.2]}"),
        (0.1, "{choices: [0.1]}"),
        ("0.1", "{choices: [0.1]}"),
        ({"low": 0.1, "high": 0.1}, "{choices: [0.1]}"),
        ({"min": 0.1, "max": 0.1}, "{choices: [0.1]}"),
        # W&B
        ({"values": [0.1, 0.2]}, "{choices: [0.1, 0.2]}"),
        ({"values": [0.1, 0.2], "probabilities": [0.5, 0.5]}, "{choices: [0.1, 0.2]}"),
        ({"value": 0.1}, "{choices: [0.1]}"),
        ({"min": 0.1, "max": 0.2}, "{low: 0.1, high: 0.2}"),
        ({"distribution": "log_uniform_values", "min": 0.1, "max": 0.2}, LOG),
        ({"distribution": "log_uniform", "min": -7, "max": -1}, "{low: 0.0009119, high: 0.3679, log: true}"),
        ({"distribution": "q_uniform", "min": 0.1, "max": 0.3, "q": 0.1}, "{low: 0.1, high: 0.3, step: 0.1}"),
        # NNI
        ({"_type": "choice", "_value": [0.1, 0.2]}, "{choices: [0.1, 0.2]}"),
        ({"_type": "loguniform", "_value": [0.1, 0.2]}, LOG),
        ({"_type": "quniform", "_value": [0.1, 0.3, 0.1]}, "{low: 0.1, high: 0.3, step: 0.1}"),
        # Ray Tune
        ({"grid_search": [0.1, 0.2]}, "{choices: [0.1, 0.2]}"),
        ({"lower": 0.1, "upper": 0.2}, "{low: 0.1, high: 0.2}"),
        ("tune.loguniform(0.1, 0.2)", LOG),
        ("tune.uniform(lower=0.1, upper=0.2)", "{low: 0.1, high: 0.2}"),
        ("tune.choice([0.1, 0.2])", "{choices: [0.1, 0.2]}"),
        # Ax
        ({"type": "range", "bounds": [0.1, 0.2], "log_scale": True}, LOG),
        ({"type": "choice", "values": [0.1, 0.2]}, "{choices: [0.1, 0.2]}"),
        # Optuna
        ({"type": "float", "low": 0.1, "high": 0.2, "log": True}, LOG),
        ({"name": "FloatDistribution", "attributes": {"low": 0.1, "high": 0.2, "log": True, "step": None}}, LOG),
        ("optuna.distributions.FloatDistribution(0.1, 0.2, log=True)", LOG),
        ("trial.suggest_float('lr', 0.1, 0.2, log=True)", LOG),
        ("trial.suggest_categorical('lr', [0.1, 0.2])", "{choices: [0.1, 0.2]}"),
        # Hyperopt
        ("hp.uniform('lr', 0.1, 0.2)", "{low: 0.1, high: 0.2}"),
        ("hp.loguniform('lr', -5, 0)", "{low: 0.006738, high: 1.0, log: true}"),
        # Hydra
        ("0.1,0.2", "{choices: [0.1, 0.2]}"),
        ("choice(0.1, 0.2)", "{choices: [0.1, 0.2]}"),
        ("interval(0.1, 0.2)", "{low: 0.1, high: 0.2}"),
        ("tag(log, interval(0.1, 0.2))", LOG),
        ("range(0.1, 0.5, 0.1)", "{low: 0.1, high: 0.4, step: 0.1}"),
        # Katib
        ({"parameterType": "double", "feasibleSpace": {"min": "0.1", "max": "0.2"}}, "{low: 0.1, high: 0.2}"),
    ],
)
def test_entry_in_the_words_of_another_tool_gets_its_form_in_ours(entry: Any, form: str) -> None:
    assert space_error({RATE: entry}).endswith(f"but should be written as `{RATE}: {form}`")
    assert load_spec(f"name: mine\nsearch: {{space: {{{RATE}: {form}}}}}").search.space.keys() == {RATE}


@pytest.mark.parametrize(
    ("entry", "form"),
    [
        ({"_type": "randint", "_value": [10, 100]}, "{low: 10, high: 99}"),
        ("tune.randint(10, 100)", "{low: 10, high: 99}"),
        ("tune.qrandint(10, 100, 10)", "{low: 10, high: 100, step: 10}"),
        ("trial.suggest_int('size', 10, 100)", "{low: 10, high: 100}"),
        ("range(10, 13)", "{low: 10, high: 12, step: 1}"),
    ],
)
def test_upper_bound_of_another_tool_is_a_value_only_if_it_is_one_there(entry: Any, form: str) -> None:
    assert space_error({SIZE: entry}).endswith(f"`{SIZE}: {form}`")


@pytest.mark.parametrize(
    "entry",
    [
        *(None, [], {}, "", "[0.1:0.2]", "None", "lambda x: 1", "os.system('true')", "-" * 1000, {"min": 0.1}),
        *({"_type": "uniform"}, {"min": 0.2, "max": 0.1}, "tune.loguniform(0, 1)", {"foo": 1}),
    ],
)
def test_entry_that_is_not_clear_gets_both_forms(entry: Any) -> None:
    message = space_error({RATE: entry})
    assert f"`{RATE}: {{low: ..., high: ...}}`" in message
    assert f"`{RATE}: {{choices: [...]}}`" in message


@pytest.mark.parametrize(
    "entry", ["tune.randn(0.1, 0.2)", {"_type": "normal", "_value": [0.1, 0.2]}, {"distribution": "normal", "mu": 1}]
)
def test_normal_distribution_is_not_offered_as_a_range(entry: Any) -> None:
    assert space_error({RATE: entry}).endswith("; there are no normal distributions")


def test_misspelled_key_of_ours_is_named() -> None:
    assert "did you mean high?" in space_error({RATE: {"low": 0.1, "hihg": 0.2}})


def test_nested_fields_get_their_dotted_names() -> None:
    nested = {"learning_rate": {"low": 0.1, "high": 0.2}, "schedule": {"factor": [0.1]}}
    forms = "`training.learning_rate: {low: 0.1, high: 0.2}` and `training.schedule.factor: {choices: [0.1]}`"
    assert space_error({"training": nested}).endswith(forms)
    assert space_error({"training": {"parameters": nested}}).endswith(forms)
    assert space_error({"momentum": [0.1]}).endswith("`training.momentum: {choices: [0.1]}`")
    assert space_error({"lr": [0.1]}).endswith(f"`{RATE}: {{choices: [0.1]}}`")


def test_list_of_named_entries_gets_the_form_of_each() -> None:
    named = [{"name": RATE, "type": "range", "bounds": [0.1, 0.2]}, {"name": SIZE, "type": "fixed", "value": 10}]
    forms = f"`{RATE}: {{low: 0.1, high: 0.2}}` and `{SIZE}: {{choices: [10]}}`"
    assert space_error(named).endswith(f"search.space is a list, but should be a mapping, written as {forms}")


def test_bare_list_of_widths_is_one_choice() -> None:
    assert space_error({"model.hidden": [128, 64]}).endswith("`model.hidden: {choices: [[128, 64]]}`")
    assert space_error({"model.hidden": [[128], [64]]}).endswith("`model.hidden: {choices: [[128], [64]]}`")
    lenet = {"kind": "lenet"}
    assert space_error({"model.hidden": [500, 50]}, model=lenet).endswith("`model.hidden: {choices: [500, 50]}`")


def test_form_holds_all_choices_however_many() -> None:
    rates = [round(0.001 * number, 3) for number in range(1, 40)]
    assert space_error({RATE: {"values": rates}}).endswith(f"`{RATE}: {{choices: {rates}}}`")


def test_unknown_field_with_a_foreign_entry_gets_no_form() -> None:
    message = space_error({"training.learning_rat": [0.1]})
    assert message.endswith("there is no field training.learning_rat: did you mean training.learning_rate?")


def test_keys_of_another_tool_are_named_with_ours() -> None:
    message = error_of({"parameters": {RATE: {"values": [0.1]}}})
    assert message == "the study spec, line 2: the study spec has no key 'parameters': write it as search.space"
    message = error_of({"method": "bayes", "metric": {"name": "loss"}})
    assert message.endswith("has no keys 'method', 'metric': write them as search.sampler, search.objective")
    assert error_of({"search": {"metric": "val/loss"}}).endswith(
        "search has no key 'metric': write it as search.objective"
    )
    assert error_of({"search": {"mode": "max"}}).endswith("an accuracy maximized, so leave it out")
