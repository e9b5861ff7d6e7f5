"""The study specs that come with mxtrials: every one is valid and is what its name says."""

from pathlib import Path

import pytest

from cluster.spec.spec_file import dump_spec, load_spec
from jobs.specs.shipped import find_spec, shipped_specs
from mnist_core.config import LenetConfig, MlpConfig, MultitaskConfig, TrainingConfig
from mnist_core.errors import SpecError

NAMES = [
    "lenet-asha",
    "mlp-asha",
    "multitask-tpe",
    "quickstart",
    "smoke",
    "tutorial-lenet",
    "tutorial-mlp",
    "tutorial-multitask",
]


def test_the_shipped_specs_are_those_of_the_documentation() -> None:
    assert list(shipped_specs()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_spec_is_valid_bears_its_own_name_and_opens_with_a_comment(name: str) -> None:
    path = find_spec(name)
    spec = load_spec(path)
    assert spec.name == name
    assert load_spec(dump_spec(spec)) == spec
    comment = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert 2 <= len(comment) <= 3


def test_the_tutorial_specs_are_the_tutorials_recipes() -> None:
    mlp, lenet, multitask = (load_spec(find_spec(f"tutorial-{kind}")) for kind in ("mlp", "lenet", "multitask"))
    assert {each.data.holdout for each in (mlp, lenet, multitask)} == {"test"}
    assert mlp.resolve({}) == (MlpConfig(), TrainingConfig(epochs=10, batch_size=100, learning_rate=0.1))
    assert lenet.resolve({}) == (LenetConfig(), TrainingConfig(epochs=10, batch_size=100, learning_rate=0.1))
    assert multitask.resolve({}) == (
        MultitaskConfig(),
        TrainingConfig(epochs=3, batch_size=100, learning_rate=0.1, momentum=0.9, weight_decay=1e-5),
    )


def test_the_quickstart_tries_all_three_networks() -> None:
    assert set(load_spec(find_spec("quickstart")).model_kinds) == {"mlp", "lenet", "multitask"}


def test_a_path_is_found_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\n")
    assert find_spec(str(path)) == path


@pytest.mark.parametrize("name", ["quikstart", "./quikstart.yaml"])
def test_a_misspelt_name_is_refused_with_the_close_one_and_all(name: str) -> None:
    with pytest.raises(SpecError, match=r"did you mean quickstart.*tutorial-multitask"):
        find_spec(name)


@pytest.mark.parametrize("name", ["", ".", "a\0b", "x" * 5000, "/"])
def test_what_is_no_file_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match="no shipped spec"):
        find_spec(name)
