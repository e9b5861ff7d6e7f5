"""Losses that become infinite or NaN."""

import json

from tests.faults.kit.matrix import fault
from tests.support.command_line import CommandLine

# With this decay each step multiplies every weight by 1 - learning rate: by 0.9, or by -99, which overflows.
FIELDS = ("training.weight_decay=1", "training.epochs=20", "search.sampler.kind=grid")


@fault(
    "Data, specs and settings",
    "a trial's loss becomes infinite or NaN",
    seen="the trial is FAIL with the cause `diverged`, and never the best",
    cost="that trial, which is not retried",
)
def test_diverged_trial_fails_and_is_never_best(mxtrials: CommandLine, small: list[str]) -> None:
    rates = "search.space={training.learning_rate: {choices: [100.0, 0.1]}}"
    options = [option for field in (*FIELDS, rates) for option in ("--set", field)]
    done = mxtrials("run", "smoke", *small, *options, "--out", "run", "--json")
    assert done.returncode == 0, done.stderr
    study = json.loads(done.stdout)
    diverged, other = study["trials"]
    assert (diverged["state"], diverged["attempts"]) == ("FAIL", 1)
    assert diverged["error"].startswith("diverged")
    assert other["state"] == "COMPLETE"
    assert study["best"]["number"] == other["number"]


@fault(
    "Data, specs and settings",
    "all trials diverge",
    seen="one-line error that no trial is complete, exit code 1; `mxtrials show` says why",
    cost="the study; its trials are recorded",
)
def test_study_whose_trials_all_diverge_exits_with_1(mxtrials: CommandLine, small: list[str]) -> None:
    options = [option for field in (*FIELDS, "training.learning_rate=100") for option in ("--set", field)]
    done = mxtrials("run", "smoke", *small, *options, "--set", "search={}", "--trials", "1", "--out", "run")
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("mxtrials: no trial of smoke is complete")
    assert "diverged" in done.stdout
    assert "best model" not in done.stdout
    assert json.loads(mxtrials("show", "run", "--json").stdout)["best"] is None
