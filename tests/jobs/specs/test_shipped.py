"""The study specs that come with mxtrials: each is valid and matches its name."""

from pathlib import Path

import pytest

from cluster.spec.spec_file import dump_spec, load_spec
from jobs.specs.shipped import shipped_specs, spec_path
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


def test_shipped_specs_are_the_documented_ones() -> None:
    assert list(shipped_specs()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_shipped_spec_is_valid_has_its_own_name_and_starts_with_a_comment(name: str) -> None:
    path = spec_path(name)
    spec = load_spec(path)
    assert spec.name == name
    assert load_spec(dump_spec(spec)) == spec
    comment = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert 2 <= len(comment) <= 3


def test_tutorial_specs_follow_the_tutorials() -> None:
    mlp, lenet, multitask = (load_spec(spec_path(f"tutorial-{kind}")) for kind in ("mlp", "lenet", "multitask"))
    assert {each.data.holdout for each in (mlp, lenet, multitask)} == {"test"}
    assert mlp.resolve({}) == (MlpConfig(), TrainingConfig(epochs=10, batch_size=100, learning_rate=0.1))
    assert lenet.resolve({}) == (LenetConfig(), TrainingConfig(epochs=10, batch_size=100, learning_rate=0.1))
    assert multitask.resolve({}) == (
        MultitaskConfig(),
        TrainingConfig(epochs=3, batch_size=100, learning_rate=0.1, momentum=0.9, weight_decay=1e-5),
    )


def test_quickstart_searches_all_three_networks() -> None:
    assert set(load_spec(spec_path("quickstart")).model_kinds) == {"mlp", "lenet", "multitask"}


def test_path_is_returned_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\n")
    assert spec_path(str(path)) == path


@pytest.mark.parametrize("name", ["quikstart", "./quikstart.yaml"])
def test_misspelled_name_raises_with_a_suggestion_and_the_shipped_names(name: str) -> None:
    with pytest.raises(SpecError, match=r"did you mean quickstart.*tutorial-multitask"):
        spec_path(name)


@pytest.mark.parametrize("name", ["", ".", "a\0b", "x" * 5000, "/"])
def test_name_that_cannot_be_a_file_raises(name: str) -> None:
    with pytest.raises(SpecError, match="no file or shipped spec"):
        spec_path(name)
