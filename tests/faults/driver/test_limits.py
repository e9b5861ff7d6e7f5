"""Studies that end by one of their limits, and studies that are extended after their end."""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cluster.run_dir.paths import RunDir
from cluster.trial import TrialState
from mnist_core.model.saved_model import load_card
from tests.faults.kit.forked_process import ForkedCommand
from tests.faults.kit.matrix import fault
from tests.faults.kit.studies import attempts_of, trials_of

MINUTES_ARE_UP = "limits.minutes: 1e-06 minutes are up"

Command = Callable[..., dict[str, Any]]

AN_HOUR_S = 3600.0


@pytest.fixture
def summary(small: list[str], environment: dict[str, str], tmp_path: Path) -> Command:
    """Runs or resumes the study in `run` and returns what `--json` prints.

    `summary("run" | "resume", *fields)`; `run_first` as for ForkedCommand.
    """

    def call(name: str, *fields: str, run_first: Callable[[], object] | None = None) -> dict[str, Any]:
        overrides = [word for field in fields for word in ("--set", field)]
        run = ["run", "smoke", *small, *overrides, "--out", "run"]
        resume = ["resume", "run", "--local", *(f"--{field}" for field in fields)]
        arguments = run if name == "run" else resume
        done = ForkedCommand(*arguments, "--json", folder=tmp_path, environment=environment, run_first=run_first)
        assert done.wait() == 0, done.stderr.read_text()
        printed: dict[str, Any] = json.loads(done.stdout.read_text())
        return printed

    return call


def skip_an_hour(once_exists: Path) -> None:
    """Sets this process's clock forward by an hour as soon as a path exists."""
    true_time = time.monotonic
    skipped_s = 0.0

    def later() -> float:
        nonlocal skipped_s
        skipped_s = skipped_s or AN_HOUR_S * once_exists.exists()
        return true_time() + skipped_s

    time.monotonic = later


@fault(
    "The driver",
    "`limits.minutes` run out",
    seen="running trials finish their epoch and are saved; the best model is saved, but not scored on the test images; "
    "exit code 0; `mxtrials resume` has the full time again",
    cost="nothing",
)
def test_study_that_runs_out_of_minutes_is_saved_and_resumes(summary: Command, tmp_path: Path) -> None:
    lengths = ("search.space={training.epochs: {choices: [1, 10000]}}", "search.sampler={kind: grid}", "trials=2")
    run_dir = RunDir(tmp_path / "run")
    skip_after_three_epochs = partial(skip_an_hour, run_dir.checkpoint(1, 3))
    limits = ("limits.minutes=50", "limits.checkpoint_every_s=0")
    ended = summary("run", *lengths, *limits, run_first=skip_after_three_epochs)
    assert (ended["state"], ended["reason"]) == ("complete", "limits.minutes: 50.0 minutes are up")
    _, stopped = trials_of(run_dir)
    assert stopped.state is TrialState.WAITING
    assert 3 <= stopped.epochs <= 5
    assert run_dir.checkpoint(1, stopped.epochs).is_file()
    skip_after_three_more = partial(skip_an_hour, run_dir.checkpoint(1, stopped.epochs + 3))
    assert summary("resume", run_first=skip_after_three_more)["reason"] == ended["reason"]
    _, again = trials_of(run_dir)
    assert 3 <= again.epochs - stopped.epochs <= 5
    assert attempts_of(run_dir, 1) == [("interrupted", "")] * 2


def test_study_that_its_minutes_ended_is_scored_only_after_its_last_trial(summary: Command, tmp_path: Path) -> None:
    # The time is up after the first event, which starts a trial of one epoch.
    trials = [
        summary("run", "trials=3", "limits.minutes=1e-6")["trials"],
        *(summary("resume")["trials"] for _ in range(2)),
    ]
    assert [[trial["state"] for trial in each] for each in trials] == [["COMPLETE"] * count for count in (1, 2, 3)]
    assert [[trial["number"] for trial in each if trial["test"]] for each in trials[:2]] == [[], []]
    (scored,) = (trial for trial in trials[2] if trial["test"])
    card = load_card(RunDir(tmp_path / "run").best)
    assert (card.trial, card.test) == (scored["number"], scored["test"])


def test_study_that_its_minutes_ended_has_a_best_model_without_test_scores(summary: Command, tmp_path: Path) -> None:
    ended = summary("run", "trials=2", "limits.minutes=1e-6")
    assert ended["best"]["test"] is None
    card = load_card(RunDir(tmp_path / "run").best)
    assert (card.trial, card.test) == (0, None)


def test_study_that_reached_its_objective_when_its_minutes_were_up_is_scored(summary: Command) -> None:
    ended = summary("run", "trials=2", "limits.minutes=1e-6", "stop.objective=0.0")
    assert (ended["reason"], [trial["state"] for trial in ended["trials"]]) == (MINUTES_ARE_UP, ["COMPLETE"])
    assert ended["best"]["test"]["test/accuracy"] > 0


@fault(
    "The driver",
    "a trial reaches `stop.objective`",
    seen="exit code 0; resuming it, even with more trials, starts nothing",
    cost="nothing",
)
def test_study_that_reached_its_objective_stays_complete(summary: Command) -> None:
    ended = summary("run", "trials=3", "stop.objective=0.0")
    assert (ended["state"], ended["reason"]) == ("complete", "trial 0 reached the objective 0.0")
    assert [trial["state"] for trial in ended["trials"]] == ["COMPLETE"]
    assert summary("resume", "trials=5") == ended


@fault(
    "The driver",
    "a complete study is given more trials",
    seen="`mxtrials resume --trials N` runs them; a grid rejects more trials than it has points",
    cost="nothing: they are the trials of a longer study",
)
@pytest.mark.parametrize("sampler", ["random", "grid", "qmc", "tpe"])
def test_extended_study_has_the_trials_of_a_longer_one(
    sampler: str, small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    space = "search.space={training.learning_rate: {low: 0.1, high: 0.4, step: 0.1}}"
    options = [*small, "--quiet", "--set", space, "--set", f"search.sampler={{kind: {sampler}}}", "--out"]
    mxtrials = partial(ForkedCommand, folder=tmp_path, environment=environment)
    trials = "4" if sampler == "grid" else "6"
    assert mxtrials("run", "smoke", "--trials", "1", *options, "extended").wait() == 0
    if sampler == "grid":
        assert mxtrials("resume", "extended", "--trials", "6", "--local", "--quiet").wait() == 2
    assert mxtrials("resume", "extended", "--trials", trials, "--local", "--quiet").wait() == 0
    assert mxtrials("run", "smoke", "--trials", trials, *options, "longer").wait() == 0
    extended, longer = (
        [(trial.number, trial.params, trial.weights_sha256) for trial in trials_of(RunDir(tmp_path / name))]
        for name in ("extended", "longer")
    )
    assert extended == longer
    assert len(extended) == int(trials)
