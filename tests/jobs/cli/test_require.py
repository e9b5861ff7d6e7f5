"""`--require`: the exit code says whether the best trial is good enough."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cluster.spec.requirements import Requirement, judge, parse_requirements
from cluster.spec.spec_file import load_spec
from jobs.cli import main
from mnist_core.errors import SpecError
from tests.support.command_line import CommandLine


def test_study_that_falls_short_exits_with_4_and_says_by_how_much(mxtrials: CommandLine, small: list[str]) -> None:
    required = ["--require", "val/accuracy=0.999", "--require", "train/loss=100"]
    done = mxtrials("run", "smoke", *small, *required, "--out", "run", "--json")
    assert done.returncode == 4, done.stderr
    summary = json.loads(done.stdout)
    best = summary["best"]
    assert done.stderr == (
        f"mxtrials: the best trial, {best['number']}, falls short: "
        f"its val/accuracy is {best['value']:.6g}, which should be at least 0.999\n"
    )
    accuracy, loss = summary["required"]
    assert accuracy == {"metric": "val/accuracy", "at_least": 0.999, "value": best["value"], "met": False}
    assert (loss["at_most"], loss["met"]) == (100.0, True)
    resumed = mxtrials("resume", "run", "--local", "--quiet", "--require", "test/accuracy=0")
    assert (resumed.returncode, resumed.stdout, resumed.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("val/acuracy=0.9", "names 'val/acuracy', which this study does not measure: did you mean val/accuracy?"),
        ("val/parity_accuracy=0.9", "names 'val/parity_accuracy', which this study does not measure"),
        ("val/accuracy", "is 'val/accuracy', expected a metric and a number"),
        ("val/accuracy=high", "is 'val/accuracy=high', expected a metric and a number"),
        ("val/accuracy=nan", "is 'val/accuracy=nan', expected a metric and a number"),
        ("val/accuracy=98", "is 'val/accuracy=98', but an accuracy is from 0 to 1"),
    ],
)
def test_requirement_that_cannot_be_checked_is_rejected_before_training(text: str, words: str, tmp_path: Path) -> None:
    rejected = CliRunner().invoke(main, ["run", "smoke", "--local", "--require", text, "--out", str(tmp_path / "run")])
    assert rejected.exit_code == 2
    assert rejected.stderr.startswith(f"mxtrials: --require {words}")
    assert rejected.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_only_what_all_networks_measure_can_be_required() -> None:
    spec = load_spec("{name: s, search: {space: {model.kind: {choices: [mlp, multitask]}}}}")
    assert parse_requirements(["val/digit_accuracy=0.9"], spec) == [Requirement("val/digit_accuracy", 0.9)]
    with pytest.raises(SpecError, match="does not measure"):
        parse_requirements(["val/parity_accuracy=0.9"], spec)


@pytest.mark.parametrize(("value", "met"), [(0.25, True), (0.2, True), (0.3, False), (float("nan"), False)])
def test_loss_must_be_at_most_what_is_required(value: float, met: bool) -> None:
    (verdict,) = judge([Requirement("val/loss", 0.25)], {"val/loss": value})
    assert verdict.is_met is met


def test_study_without_a_complete_trial_meets_nothing() -> None:
    (verdict,) = judge([Requirement("test/accuracy", 0.0)], {})
    assert not verdict.is_met
    assert verdict.complaint() == "it has no test/accuracy, which should be at least 0"
