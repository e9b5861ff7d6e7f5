"""What is said of a finished study's files."""

import io
import resource
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
    console = Console(file=io.StringIO(), width=200)
    draw_files(StudySummary(StudySpec(name="many"), "complete", None, finished), RunDir(Path("run")), console)
    assert isinstance(console.file, io.StringIO)
    assert f"tensorboard {options}--logdir run/tensorboard\n" in console.file.getvalue()
