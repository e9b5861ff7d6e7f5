"""Which fields of a study get a column, under which name, and with which text."""

import pytest

from cluster.spec.space import Params
from cluster.spec.spec_file import load_spec
from jobs.specs.shipped import shipped_specs, spec_path
from jobs.terminal.fields import format_fields, searched_fields, trial_epochs


def headers(space: str) -> list[str]:
    return [field.header for field in searched_fields(load_spec(f"name: study\nsearch: {{space: {space}}}"))]


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ("{}", []),
        (
            "{training.learning_rate: {low: 0.1, high: 0.2}, training.momentum: {choices: [0.1, 0.2]}}",
            ["lr", "momentum"],
        ),
        ("{training.momentum: {choices: [0.1]}}", []),
        ("{model.kind: {choices: [mlp, lenet]}, training.epochs: {choices: [1, 2]}}", []),
        ("{model: {choices: [{kind: mlp, hidden: [8]}, {kind: lenet, hidden: 9}]}}", []),
        ("{model: {choices: [{kind: mlp, hidden: [8]}, {kind: mlp, hidden: [9]}]}}", ["hidden"]),
        ("{training: {choices: [{batch_size: 10, epochs: 1}, {batch_size: 20, epochs: 2}]}}", ["batch"]),
        ("{training.schedule: {choices: [{kind: constant}, {kind: cosine}]}}", ["schedule"]),
    ],
)
def test_only_what_tells_trials_apart_gets_a_column(space: str, expected: list[str]) -> None:
    assert headers(space) == expected


@pytest.mark.parametrize("name", sorted(shipped_specs()))
def test_no_name_of_a_shipped_study_occurs_twice(name: str) -> None:
    names = [field.header for field in searched_fields(load_spec(spec_path(name)))]
    assert len(set(names)) == len(names)


def test_different_values_have_different_texts() -> None:
    space = "{training.learning_rate: {low: 0.1, high: 0.2}}"
    (field,) = searched_fields(load_spec(f"name: study\nsearch: {{space: {space}}}"))
    rows = [{"training.learning_rate": 0.123456}, {"training.learning_rate": 0.123457}, {}]
    assert field.cells(rows) == ["0.123456", "0.123457", ""]


def test_fields_in_a_mapping_are_found() -> None:
    choices = "[{kind: mlp, hidden: [8, 4]}, {kind: mlp, hidden: [9]}, {kind: lenet}]"
    spec = load_spec(f"name: study\nsearch: {{space: {{model: {{choices: {choices}}}}}}}")
    fields = searched_fields(spec)
    assert format_fields(fields, {"model": {"kind": "mlp", "hidden": [8, 4]}}) == "hidden=8-4"
    assert format_fields(fields, {"model": {"kind": "lenet"}}) == ""


@pytest.mark.parametrize(("params", "epochs"), [({}, 7), ({"training.epochs": 3}, 3), ({"training": {"epochs": 4}}, 4)])
def test_epochs_of_a_trial_are_those_of_its_parameters_or_of_the_spec(params: Params, epochs: int) -> None:
    assert trial_epochs(load_spec("{name: study, training: {epochs: 7}}"), params) == epochs
