"""The leaderboard: its order, its columns on wide and narrow terminals, and what is said of a study's files."""

import io
import resource
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cluster.results.summary import StudySummary
from cluster.run_dir.paths import RunDir
from cluster.spec.spec_file import load_spec
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialRecord, TrialState
from jobs.terminal.leaderboard import draw_files, draw_summary
from jobs.terminal.ranking import Ranking
from mnist_core.errors import RunDirError
from tests.support.records import finished_trial

SPEC = """
name: study
training: {epochs: 3}
search:
  space: {training.learning_rate: {low: 0.01, high: 0.5}, training.momentum: {low: 0.0, high: 0.9}}
trials: 4
"""
WIDE = """\
study  interrupted (its driver stopped)  3 of 4 trials: 1 running, 1 complete, 1 pruned, 1 failed  by val/accuracy
trial  network   lr  momentum  state     epochs  train     val    test  time
    2  mlp      0.3      0.25  PRUNED       1/3         0.9876           1 s
    0  mlp      0.1      0.25  COMPLETE     1/3         0.9750  0.9700   1 s
    1  mlp      0.2      0.25  FAIL         1/3                          1 s
    3  mlp      0.4      0.25  RUNNING      1/3                          1 s

on the test images  trial  accuracy
best mlp                0    0.9700
trial 1 failed: [/red] it died
"""
NARROW = """\
trial   lr  state        val    test
    2  0.3  PRUNED    0.9876
    0  0.1  COMPLETE  0.9750  0.9700
    1  0.2  FAIL
    3  0.4  RUNNING
not enough columns here for momentum
"""


@pytest.fixture
def summary() -> StudySummary:
    def trial(number: int, state: TrialState, value: float | None) -> TrialRecord:
        params = {"training.learning_rate": 0.1 * (number + 1), "training.momentum": 0.25}
        return replace(finished_trial(state, number, value), params=params)

    trials = (
        replace(trial(0, TrialState.COMPLETE, 0.975), test={"test/accuracy": 0.97}),
        replace(trial(1, TrialState.FAIL, None), error="[/red] it died"),
        trial(2, TrialState.PRUNED, 0.9876),
        trial(3, TrialState.RUNNING, None),
    )
    return StudySummary(load_spec(SPEC), "interrupted", "its driver stopped", trials)


def drawn(summary: StudySummary, width: int = 200, ranking: Ranking | None = None) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    draw_summary(summary, console, ranking)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_leaderboard_on_a_wide_terminal(summary: StudySummary) -> None:
    assert drawn(summary) == WIDE.splitlines()


def test_leaderboard_on_a_narrow_terminal_leaves_out_columns_and_says_so(summary: StudySummary) -> None:
    assert drawn(summary, 40)[1:7] == NARROW.splitlines()


@pytest.mark.parametrize(
    ("by", "order"),
    [
        (None, [2, 0, 1, 3]),
        ("val/accuracy", [2, 0, 1, 3]),
        ("trial", [0, 1, 2, 3]),
        ("lr", [0, 1, 2, 3]),
        ("training.learning_rate", [0, 1, 2, 3]),
        ("state", [0, 1, 2, 3]),
        ("test", [0, 1, 2, 3]),
    ],
)
def test_leaderboard_is_sorted_by_any_column(by: str | None, order: list[int], summary: StudySummary) -> None:
    assert [trial.number for trial in Ranking(by).sort(summary)] == order


def test_best_loss_comes_first_and_values_that_are_not_numbers_last() -> None:
    spec = load_spec(SPEC, ["search.objective=val/loss"])
    values = (0.5, float("nan"), 0.25, None)
    trials = tuple(finished_trial(TrialState.PRUNED, number, value) for number, value in enumerate(values))
    assert [trial.number for trial in Ranking().sort(StudySummary(spec, "complete", None, trials))] == [2, 0, 1, 3]


def test_column_that_does_not_exist_is_rejected_with_those_that_do(summary: StudySummary) -> None:
    with pytest.raises(RunDirError, match="no column 'speed' to sort by: choose from trial, network, .*lr, training"):
        drawn(summary, ranking=Ranking("speed"))


@pytest.mark.parametrize(
    ("ranking", "shown"), [(Ranking(), 20), (Ranking(top=3), 3), (Ranking(top=99), 30), (Ranking(shows_all=True), 30)]
)
def test_long_leaderboard_says_how_many_trials_it_leaves_out(ranking: Ranking, shown: int) -> None:
    trials = tuple(finished_trial(TrialState.PRUNED, number, 0.5) for number in range(30))
    lines = drawn(StudySummary(StudySpec(name="many", trials=30), "complete", None, trials), ranking=ranking)
    assert len(lines) == 2 + shown + (shown < 30)
    assert shown == 30 or lines[-1] == f"and {30 - shown} more: `--all` shows them"


def test_one_trial_is_not_called_trials() -> None:
    one = StudySummary(StudySpec(name="one"), "complete", None, (finished_trial(TrialState.COMPLETE, 0, 0.5),))
    assert drawn(one)[0] == "one  complete  1 of 1 trial: 1 complete  by val/accuracy"


def test_interrupted_study_is_not_called_so_twice() -> None:
    assert drawn(StudySummary(StudySpec(name="one"), "interrupted", "interrupted", ()))[0].startswith(
        "one  interrupted  0 of 1 trial"
    )


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
