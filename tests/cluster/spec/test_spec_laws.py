"""Laws of study specs as files: a dumped spec loads as an equal one, and any text is a spec or a one-line error."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cluster.spec.spec_file import dump_spec, load_spec
from cluster.spec.study_spec import SearchSpec, StudySpec
from cluster.spec.yaml_document import write_yaml
from mnist_core.config import LenetConfig
from mnist_core.errors import SpecError

SPEC = """\
name: mine
model: {kind: mlp, hidden: [128, 64]}
training:
  epochs: 10
  learning_rate: 1e-1
search:
  space:
    training.momentum: {low: 0.0, high: 0.95}
  pruner: {kind: asha, reduction_factor: 3}
trials: 8
"""


def error_or_nothing(text: str, *overrides: str) -> str:
    """The message of the SpecError that the text raises; "" if it is a spec."""
    try:
        load_spec(text, overrides)
    except SpecError as err:
        return str(err)
    return ""


momentum_ranges = st.tuples(st.floats(0, 0.4), st.floats(0.5, 0.99), st.none() | st.floats(0.01, 0.1)).map(
    lambda parts: {"low": parts[0], "high": parts[1], "step": parts[2]}
)
spaces = st.fixed_dictionaries(
    {},
    optional={
        "training.momentum": momentum_ranges,
        "training.batch_size": st.integers(1, 50).map(lambda low: {"low": low, "high": low + 50, "log": True}),
        "training.schedule": st.just({"choices": [{"kind": "constant"}, {"kind": "step", "every_epochs": 2}]}),
        "model.initializer": st.lists(st.sampled_from(["uniform", "normal", "xavier"]), min_size=1, unique=True).map(
            lambda choices: {"choices": choices}
        ),
    },
)
pruners = st.sampled_from(
    [
        {"kind": "none"},
        {"kind": "hyperband"},
        {"kind": "threshold", "lower": 0.5},
        {"kind": "patient", "patience": 2, "wrapped": {"kind": "median"}},
        {"kind": "patient"},
    ]
)
folders = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)
specs = st.fixed_dictionaries(
    {"name": st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", fullmatch=True)},
    optional={
        "seed": st.integers(0, 2**31 - 1),
        "data": st.fixed_dictionaries({"source": folders, "holdout": st.just("test") | st.integers(1, 59_999)}),
        "model": st.sampled_from([{"kind": "lenet"}, {"kind": "mlp", "hidden": [8]}, {"kind": "multitask"}]),
        "training": st.fixed_dictionaries({"learning_rate": st.floats(1e-300, 100), "epochs": st.integers(1, 10_000)}),
        "search": st.fixed_dictionaries(
            {"space": spaces, "pruner": pruners, "sampler": st.sampled_from([{"kind": "random"}, {"kind": "tpe"}])}
        ),
        "trials": st.integers(1, 1_000_000),
        "workers": st.fixed_dictionaries({"cpu": st.just("auto") | st.integers(1, 99), "gpu_fraction": st.just(0.25)}),
        "limits": st.fixed_dictionaries({"minutes": st.none() | st.floats(1e-3, 1e6)}),
        "stop": st.fixed_dictionaries({"objective": st.none() | st.floats(-1e9, 1e9)}),
    },
)


@given(specs)
def test_dumped_spec_loads_as_an_equal_one(tree: Any) -> None:
    spec = load_spec(write_yaml(tree))
    assert load_spec(dump_spec(spec)) == spec
    assert dump_spec(load_spec(dump_spec(spec))) == dump_spec(spec)


KINDS = "name: kinds\nsearch: {space: {model.kind: {choices: [mlp, lenet, multitask]}}}\ntrials: 3\n"


@given(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["mlp", "lenet"])},
        optional={
            "activation": st.sampled_from(["relu", "tanh"]),
            "initializer": st.sampled_from(["uniform", "xavier"]),
        },
    )
)
def test_dumped_spec_gives_each_kind_what_the_model_gave(model: dict[str, Any]) -> None:
    spec = load_spec(f"{KINDS}{write_yaml({'model': model})}")
    again = load_spec(dump_spec(spec))
    for kind in ("mlp", "lenet", "multitask"):
        resolved = spec.resolve({"model.kind": kind})[0]
        assert again.resolve({"model.kind": kind})[0] == resolved
        assert resolved.model_dump(include=set(model)) == {**model, "kind": kind}


def test_spec_dumped_by_an_earlier_version_ignores_defaults_of_the_model_for_other_kinds() -> None:
    """They spelled out the whole model: it cannot be seen what was given, and it meant the defaults of each kind."""
    spec = load_spec(f"{KINDS}model: {{kind: mlp, initializer: xavier}}")
    tree = spec.model_dump(mode="json")
    tree["model"] = {"kind": "mlp", "hidden": [128, 64], "activation": "relu", "initializer": "xavier"}
    older = load_spec(write_yaml(tree))
    assert older.resolve({"model.kind": "lenet"})[0] == LenetConfig(initializer="xavier")


def test_dumped_grid_keeps_its_clipped_trials() -> None:
    text = SPEC.replace("high: 0.95", "high: 0.9, step: 0.3").replace("  pruner", "  sampler: {kind: grid}\n  pruner")
    spec = load_spec(text)
    assert spec.trials == 4
    assert load_spec(dump_spec(spec)) == spec


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["mlp", "test"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=6,
)
deeper_keys = ["kind", "hidden", "epochs", "low", "high", "step", "log", "choices", "training.momentum", "model.kind"]
keys = st.sampled_from([*StudySpec.model_fields, *SearchSpec.model_fields, *deeper_keys, "wrapped", "cpu", "minutes"])
almost_specs = st.recursive(
    junk, lambda children: st.dictionaries(keys, children, max_size=6) | st.lists(children, max_size=3), max_leaves=25
)


@given(almost_specs)
def test_any_tree_is_a_spec_or_a_one_line_error(tree: Any) -> None:
    text = write_yaml({"name": "mine", **tree} if isinstance(tree, dict) else tree)
    assert "\n" not in error_or_nothing(text)


@given(st.integers(0, len(SPEC)), st.integers(0, 12), st.text(max_size=12))
def test_any_damage_to_a_spec_leaves_a_spec_or_a_one_line_error(start: int, length: int, insert: str) -> None:
    assert "\n" not in error_or_nothing(SPEC[:start] + insert + SPEC[start + length :])


@given(st.text(max_size=40), st.text(max_size=20))
def test_any_override_leaves_a_spec_or_a_one_line_error(key: str, value: str) -> None:
    assert "\n" not in error_or_nothing(SPEC, f"{key}={value}")
