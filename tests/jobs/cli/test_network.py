"""`mxtrials network`: the layers of a kind of network, and those of a trial."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, assert_one_line_error

ARCHIVE = Path(__file__).parents[2] / "support" / "archives" / "run-of-schema-3.tar.gz"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "older"


def test_kind_is_shown_with_its_defaults_and_drawn(mxtrials: CommandLine, tmp_path: Path) -> None:
    done = mxtrials("network", "lenet", "--out", "lenet.svg")
    assert done.stdout.startswith("lenet with its defaults  431,080 parameters, 4.59M FLOP to predict an image\n")
    (conv2,) = (line for line in done.stdout.splitlines() if line.startswith("conv2"))
    assert " ".join(conv2.split()) == "conv2 Convolution 5x5 50 x 8 x 8 25,050 3,200,000 ━ 5.8%"
    assert "25,050 parameters" in (tmp_path / "lenet.svg").read_text()


def test_trial_is_described_as_json_with_its_own_hyperparameters(mxtrials: CommandLine, run_dir: Path) -> None:
    best = json.loads(mxtrials("network", run_dir, "--json").stdout)
    assert best["title"] == f"{best['model']['kind']} of trial 2"
    assert best["parameters"] == sum(layer["parameters"] for layer in best["layers"])
    first = json.loads(mxtrials("network", run_dir, "--trial", "0", "--json").stdout)
    assert first["title"].endswith("of trial 0")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["resnet"], ["'resnet'", "mlp, lenet, multitask"]),
        (["mlp", "--trial", "1"], ["--trial 1 needs a run directory", "mlp is a kind of network"]),
        (["mlp", "--out", "drawing.gif"], ["drawing.gif must end in .svg or .png"]),
    ],
    ids=lambda value: value[0],
)
def test_what_cannot_be_described_is_rejected(arguments: list[str], words: list[str], mxtrials: CommandLine) -> None:
    assert_one_line_error(mxtrials("network", *arguments), 2, *words)


def test_trial_that_does_not_exist_is_rejected(mxtrials: CommandLine, run_dir: Path) -> None:
    assert_one_line_error(mxtrials("network", run_dir, "--trial", "9"), 2, "has no trial 9", "0 to 3")
