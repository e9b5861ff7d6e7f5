"""What is said of a finished study's files."""

import io
import resource
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cluster.results.summary import StudySummary
from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialState
from jobs.terminal.leaderboard import draw_files
from tests.support.records import finished_trial


@pytest.mark.parametrize(("trials", "options"), [(30, ""), (2000, "--load_fast=false ")])
def test_tensorboard_that_has_more_runs_than_open_files_is_started_with_its_other_loader(
    trials: int, options: str
) -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 128
    finished = tuple(finished_trial(TrialState.PRUNED, number) for number in range(trials))
    drawn = drawn_files(StudySummary(StudySpec(name="many"), "complete", None, finished), RunDir(Path("run")))
    assert f"tensorboard {options}--logdir run/tensorboard\n" in drawn


def test_best_model_is_named_if_its_files_are_there_even_without_a_best_trial(tmp_path: Path) -> None:
    run_dir = RunDir(tmp_path / "run")
    complete = StudySummary(StudySpec(name="best"), "interrupted", None, (finished_trial(TrialState.COMPLETE),))
    assert "best model" not in drawn_files(complete, run_dir)
    run_dir.best.parent.mkdir(parents=True)
    run_dir.best.with_name("model-symbol.json").write_text("{}")
    run_dir.best.with_name("model-0000.params").write_bytes(b"")
    assert "best model" not in drawn_files(complete, run_dir)  # its card, which is written last, is not there yet
    run_dir.best.with_name("model.json").write_text("{}")
    for summary in (complete, replace(complete, trials=())):
        assert f"best model    {run_dir.best}-symbol.json, -0000.params\n" in drawn_files(summary, run_dir)


def drawn_files(summary: StudySummary, run_dir: RunDir) -> str:
    console = Console(file=io.StringIO(), width=200)
    draw_files(summary, run_dir, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
