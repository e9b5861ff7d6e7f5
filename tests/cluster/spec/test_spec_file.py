"""Study specs as files: the text and the location of errors, and overrides."""

from importlib.util import find_spec as find_package
from pathlib import Path
from typing import Any

import pytest

from cluster.spec.spec_file import apply_overrides, dump_spec, load_spec, shortcut_overrides
from mnist_core.config import MlpConfig
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


def load_error(text: str, *overrides: str) -> str:
    with pytest.raises(SpecError) as raised:
        load_spec(text, overrides, name="mine.yaml")
    message = str(raised.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("epochs: 10", "epoch: 10", "line 4: training has no key 'epoch': did you mean epochs?"),
        ("trials:", "colour: red\ntrials:", "line 10: the study spec has no key 'colour': its keys are name, seed,"),
        ("hidden:", "hiden:", "line 2: model has no key 'hiden': did you mean hidden?"),
        ("epochs: 10", "epochs: ten", 'line 4: training.epochs is "ten", but should be an integer'),
        ("epochs: 10", "epochs: '10'", 'line 4: training.epochs is "10", but should be an integer'),
        ("epochs: 10", "epochs: true", "line 4: training.epochs is true, but should be an integer"),
        ("epochs: 10", "epochs: 0", "line 4: training.epochs is 0, but should be at least 1"),
        ("1e-1", "-1e-1", "line 5: training.learning_rate is -0.1, but should be greater than 0"),
        ("[128, 64]", "[128, x]", 'line 2: model.hidden.1 is "x", but should be an integer'),
        ("[128, 64]", "[]", "line 2: model.hidden is [], but should have at least 1 item, not 0"),
        ("kind: mlp", "kind: mpl", 'line 2: model.kind is "mpl", but should be one of lenet, mlp, multitask'),
        ("kind: mlp, ", "", "line 2: model.kind is missing: give one of lenet, mlp, multitask"),
        ("low: 0.0", "low: 0.99", "line 8: search.space.training.momentum: low is 0.99, but should be less than high"),
        ("high: 0.95", "high: 2", "line 8: search.space.training.momentum.high: training.momentum is 2, but should be"),
        ("low: 0.0, ", "", "line 8: search.space.training.momentum.low is missing"),
        ("low: 0.0, ", "lo: 0, ", "line 8: search.space.training.momentum has no key 'lo': did you mean low?"),
        (".momentum:", ".momentun:", "there is no field training.momentun for mlp: did you mean training.momentum?"),
        ("kind: asha", "kind: ahsa", 'line 9: search.pruner.kind is "ahsa", but should be one of asha, hyperband,'),
        ("reduction_factor: 3", "reduction_factor: 1", "search.pruner.reduction_factor is 1, but should be at least 2"),
        ("trials: 8", "workers: {cpu: many}", "line 10: workers.cpu is \"many\", but should be an integer or 'auto'"),
        ("trials: 8", "workers: {cpu: 0, gpu: 0}", "line 10: workers: cpu and gpu are both 0"),
        ("trials: 8", "limits: {minutes: .inf}", "line 10: limits.minutes is Infinity, but should be a finite number"),
        ("trials: 8", "data: {holdout: tset}", "data.holdout is \"tset\", but should be an integer or 'test'"),
        ("trials: 8", "trials:", "line 10: trials is null, but should be an integer"),
        (
            "{low: 0.0, ",
            "{choices: [0.5], ",
            "line 8: search.space.training.momentum has no key 'high': its keys are ch",
        ),
        ("training.momentum", "momentum", "there is no field momentum for mlp: did you mean training.momentum?"),
        ("training.momentum", "training.lr", "no field training.lr for mlp: did you mean training.learning_rate?"),
        ("training.momentum", "training.xyz", "no field training.xyz for mlp: the fields are training.epochs,"),
        (
            "{kind: asha, reduction_factor: 3}",
            "asha",
            'search.pruner is "asha", but should be a mapping such as {kind: a',
        ),
        ("name: mine\n", "", "line 1: name is missing"),
        ("name: mine", "name: ../mine", 'line 1: name is "../mine", but should be 1 to 64 letters, digits'),
        ("name: mine", "name: [mine", "line 2: not valid YAML"),
        ("trials: 8", "trials: 8\ntrials: 9", "line 11: the key trials appears twice"),
        ("trials: 8", "trials: &x 8", "line 10: a study spec cannot use anchors and aliases"),
    ],
)
def test_error_names_file_line_key_value_and_what_is_allowed(old: str, new: str, message: str) -> None:
    assert old in SPEC
    text = load_error(SPEC.replace(old, new))
    assert text.startswith("mine.yaml, line ")
    assert message in text


def test_message_describes_the_first_error_and_counts_the_others() -> None:
    text = load_error("name: mine\nseed: -1\ntraining: {epochs: x, momentum: 1}\n")
    assert text == "mine.yaml, line 2: seed is -1, but should be at least 0 (and 2 more)"


@pytest.mark.parametrize("text", ["", "# nothing", "- name: mine", "mine"])
def test_document_that_is_not_a_mapping_is_rejected(text: str) -> None:
    assert "but should be a mapping" in load_error(text)


@pytest.mark.skipif(find_package("torch") is not None, reason="PyTorch is installed")
def test_sampler_whose_package_is_missing_is_rejected_unless_packages_are_not_checked() -> None:
    text = "name: mine\nsearch:\n  sampler: {kind: gp}\n"
    assert load_error(text) == (
        'mine.yaml, line 3: search.sampler.kind is "gp", which needs the Python package torch: '
        "install it with `pip install torch`"
    )
    assert load_spec(text, check_packages=False).search.sampler.kind == "gp"


# -- files ------------------------------------------------------------------------------------------------------------


def test_file_is_read_and_named_in_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SPEC)
    assert load_spec(path) == load_spec(SPEC)
    path.write_text("name: mine\nseed: x\n")
    with pytest.raises(SpecError, match=r"mine\.yaml, line 2: seed"):
        load_spec(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"name: \xff", "cannot be read: it is not text in UTF-8"), (b"#" * 70_000, "larger than 64 KiB")],
)
def test_file_that_is_not_text_or_too_large_is_rejected(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=message):
        load_spec(path)


def test_missing_file_and_folder_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.yaml cannot be read: no such file"):
        load_spec(tmp_path / "none.yaml")
    with pytest.raises(SpecError, match="cannot be read: is a directory"):
        load_spec(tmp_path)
    with pytest.raises(SpecError, match="cannot be read: embedded null byte"):
        load_spec(Path("mine\0.yaml"))


# -- overrides --------------------------------------------------------------------------------------------------------


def test_overrides_replace_values_of_the_file_and_the_last_one_wins() -> None:
    spec = load_spec(SPEC, ["training.epochs=3", "training.epochs=4", "limits.minutes=1e1", "model.hidden=[32]"])
    assert (spec.training.epochs, spec.limits.minutes) == (4, 10.0)
    assert isinstance(spec.model, MlpConfig)
    assert spec.model.hidden == (32,)


def test_override_in_the_search_space_addresses_a_field_by_its_dotted_name() -> None:
    changes = ["search.space.training.momentum.high=0.5", "search.space.model.activation={choices: [relu, tanh]}"]
    space = load_spec(SPEC, changes).search.space
    assert getattr(space["training.momentum"], "high", None) == 0.5
    assert space["model.activation"].size == 2


def test_overrides_do_not_change_the_tree_they_apply_to() -> None:
    tree: Any = {"training": {"epochs": 1}, "data": None}
    assert apply_overrides(tree, ["training.epochs=2", "data.holdout=test"]) == {
        "training": {"epochs": 2},
        "data": {"holdout": "test"},
    }
    assert tree == {"training": {"epochs": 1}, "data": None}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochs=ten", '--set training.epochs=ten: training.epochs is "ten", but should be an integer'),
        ("training.epoch=3", "--set training.epoch=3: training has no key 'epoch': did you mean epochs?"),
        ("search.pruner={kind: x}", '--set search.pruner={kind: x}: search.pruner.kind is "x", but should be one of'),
        ("seeds.first=3", "--set seeds.first=3: the study spec has no key 'seeds': did you mean seed?"),
        (
            "search.space.training.epochs.low=1",
            "--set search.space.training.epochs.low=1: search.space.training.epochs.hi",
        ),
        ("training.epochs", "--set training.epochs: expected key=value, such as training.epochs=3"),
        (f"{'a.' * 5000}b=3", "expected key=value"),
        ("=3", "expected key=value"),
        ("a..b=3", "expected key=value"),
        ("trials.x=3", "--set trials.x=3: trials is 8, which has no keys"),
        ("training.epochs=[1", "--set training.epochs=[1, line 1: not valid YAML"),
    ],
)
def test_error_in_an_override_names_the_override(override: str, message: str) -> None:
    assert message in load_error(SPEC, override)


SEARCHED = """\
name: mine
model: {kind: mlp}
training: {epochs: 1, schedule: {kind: cosine}}
search:
  space:
    model: {choices: [{kind: mlp, hidden: [16]}, {kind: lenet}]}
    training.epochs: {choices: [3]}
    training.schedule: {choices: [{kind: constant}, {kind: cosine}]}
  sampler: {kind: grid}
"""


@pytest.mark.parametrize(
    ("override", "searched"),
    [
        ("training.epochs=1", "training.epochs"),
        ("training={momentum: 0.5, epochs: 1}", "training.epochs"),
        ("training.schedule.final_fraction=0.5", "training.schedule"),
        ("training.schedule={kind: constant}", "training.schedule"),
        ("model.hidden=[32]", "model"),
        ("model={kind: mlp}", "model"),
    ],
)
def test_override_of_a_searched_field_is_rejected_and_the_remedy_works(override: str, searched: str) -> None:
    message = load_error(SEARCHED, override)
    assert message.startswith(f"--set {override}: the study searches {searched}, which replaces this value")
    remedy = message.rpartition("--set ")[2]
    assert remedy == f"search.space.{searched}=null"
    assert searched not in load_spec(SEARCHED, [override, remedy]).search.space
    assert searched not in load_spec(SEARCHED, [remedy, override]).search.space


def test_override_beside_a_searched_field_is_accepted() -> None:
    assert load_spec(SEARCHED, ["training={momentum: 0.5}"]).training.momentum == 0.5
    assert load_spec(SPEC, ["model={kind: lenet}"]).model.kind == "lenet"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("search.space.training.epoch=null", "training.epoch is not in the space: did you mean training.epochs?"),
        ("search.space.colour=~", "colour is not in the space: its fields are model, training.epochs, training.sched"),
    ],
)
def test_field_that_is_not_in_the_space_cannot_be_taken_out(override: str, message: str) -> None:
    assert load_error(SEARCHED, override).startswith(f"--set {override}: {message}")
    assert load_error("name: mine", override).endswith("is not in the space, which is empty")


def test_more_trials_than_the_grid_has_points_are_rejected_as_an_override_only() -> None:
    assert load_error(SEARCHED, "trials=5") == (
        "--set trials=5: trials is 5, but the grid has 4 points, each of which runs once: ask for at most 4"
    )
    assert load_spec(SEARCHED, ["trials=4"]).trials == 4
    assert load_spec(f"{SEARCHED}trials: 5").trials == 4


def test_short_options_stand_for_overrides() -> None:
    overrides = shortcut_overrides(trials=3, epochs=2, workers="cpu=2, gpu=auto")
    assert overrides == ["trials=3", "training.epochs=2", "workers.cpu=2", "workers.gpu=auto"]
    assert shortcut_overrides() == []


@pytest.mark.parametrize("workers", ["", "2", "cpu", "cpu=", "cpu=-1", "tpu=2", "cpu=2 gpu=1", "cpu=x"])
def test_malformed_workers_are_rejected(workers: str) -> None:
    with pytest.raises(SpecError, match="expected a form like cpu=2,gpu=0"):
        shortcut_overrides(workers=workers)


@pytest.mark.parametrize(
    ("shortcut", "option"),
    [
        ({"trials": 0}, "--trials 0: trials is 0, but should be at least 1"),
        ({"epochs": 0}, "--epochs 0: training.epochs is 0, but should be at least 1"),
        ({"workers": "cpu=0,gpu=0"}, "--workers cpu=0,gpu=0: workers: cpu and gpu are both 0"),
    ],
)
def test_message_names_the_option_that_was_given(shortcut: dict[str, Any], option: str) -> None:
    with pytest.raises(SpecError) as raised:
        load_spec("name: mine", shortcut_overrides(**shortcut))
    assert str(raised.value).startswith(option)


def test_epochs_that_are_searched_are_rejected_by_the_name_of_the_option() -> None:
    searched = "name: mine\nsearch: {space: {training.epochs: {choices: [3]}}}"
    with pytest.raises(SpecError, match=r"^--epochs 1: the study searches training\.epochs, which replaces this value"):
        load_spec(searched, shortcut_overrides(epochs=1))


@pytest.mark.parametrize(
    ("searched", "override"),
    [
        ("training.schedule: {choices: [{kind: cosine}]}", "training.schedule.final_fraction=0.1"),
        ("model: {choices: [{kind: mlp}]}", "model.hidden=[16]"),
        ("training.epochs: {choices: [3]}", "training.epochs=many"),
    ],
)
def test_override_of_a_searched_field_is_rejected_whatever_else_is_wrong_with_it(searched: str, override: str) -> None:
    with pytest.raises(SpecError, match=f"the study searches {searched.partition(':')[0]}, which replaces this value"):
        load_spec(f"name: mine\nsearch: {{space: {{{searched}}}}}", [override])


def test_workers_of_one_kind_given_twice_are_rejected() -> None:
    with pytest.raises(SpecError, match="--workers is 'cpu=2,cpu=3': expected a form like"):
        shortcut_overrides(workers="cpu=2,cpu=3")


def test_model_without_a_kind_gets_the_first_one_that_is_searched() -> None:
    spec = load_spec("name: mine\nmodel: {activation: relu}\nsearch: {space: {model.kind: {choices: [lenet, mlp]}}}")
    assert spec.model.kind == "lenet"
    assert [spec.resolve({"model.kind": kind})[0].activation for kind in ("lenet", "mlp")] == ["relu", "relu"]
    assert load_spec(dump_spec(spec)) == spec


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("epochs", "training.epochs"),
        ("lr", "training.learning_rate"),
        ("hidden", "model.hidden"),
        ("cpu", "workers.cpu"),
    ],
)
def test_key_of_a_section_at_the_top_is_named_with_its_section(key: str, meant: str) -> None:
    with pytest.raises(SpecError, match=rf"has no key '{key}': did you mean {meant}\?"):
        load_spec("name: mine", [f"{key}=3"])


@pytest.mark.parametrize(
    ("override", "remedy"),
    [("limits.minutes=none", "YAML writes none as null"), ("stop.objective=97%", "write 97% as 0.97")],
)
def test_string_that_means_null_or_a_share_gets_its_form(override: str, remedy: str) -> None:
    with pytest.raises(SpecError, match=f"but should be a number; {remedy}$"):
        load_spec("name: mine", [override])
