"""Names of runs: what a trial trains, in characters that file systems, URLs and TensorBoard take as they are."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.spec.space import Params
from cluster.spec.study_spec import SearchSpec
from cluster.tensorboard.run_names import LONGEST_NAME, RunNames
from mnist_core.config import TrainingConfig

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))

FIELDS = ["model", "model.hidden", *(f"training.{name}" for name in TrainingConfig.model_fields)]

WHOLE_MODELS: list[dict[str, Any]] = [
    {"kind": "mlp", "hidden": [64], "activation": "relu"},
    {"kind": "mlp", "hidden": [128, 64], "activation": "relu"},
    {"kind": "lenet", "activation": "relu"},
]


def names(space: dict[str, Any]) -> RunNames:
    return RunNames(SearchSpec.model_validate({"space": space}).space)


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({}, "lenet"),
        ({"training.learning_rate": 0.06}, "lenet lr=0.06"),
        ({"training.learning_rate": 0.0312345678, "training.batch_size": 100}, "lenet lr=0.03123 batch=100"),
        ({"model.filters": [20, 50], "training.optimizer": "adam"}, "lenet filters=20-50 optimizer=adam"),
        ({"model.kind": "lenet", "training.weight_decay": 1e-06}, "lenet wd=1e-06"),
        ({"training.schedule": {"kind": "cosine", "final_fraction": 0.0}}, "lenet schedule=cosine"),
    ],
)
def test_name_has_the_network_and_each_searched_field(params: Params, name: str) -> None:
    assert names({}).of("lenet", params) == name


def test_whole_model_is_named_by_what_tells_it_from_others_of_its_kind() -> None:
    first, second, third = WHOLE_MODELS
    named = names({"model": {"choices": WHOLE_MODELS}})

    assert named.of("mlp", {"model": first}) == "mlp hidden=64"
    assert named.of("mlp", {"model": second}) == "mlp hidden=128-64"
    assert named.of("lenet", {"model": third}) == "lenet"


@given(params=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8))
def test_name_of_any_parameters_is_short_and_safe(params: Params) -> None:
    name = names({}).of("mlp", params)

    assert len(name) <= LONGEST_NAME
    assert re.fullmatch(r"mlp( [A-Za-z0-9._=+-]+)*", name)
