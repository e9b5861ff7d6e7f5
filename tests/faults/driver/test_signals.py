"""Ctrl-C, SIGTERM and SIGHUP, once, twice, before there is anything to save, and while `show` reads."""

import json
import os
import signal
import subprocess
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cluster.results.summary import read_summary
from cluster.run_dir.paths import RunDir
from cluster.trial import TrialState
from tests.faults.kit.forked_process import ForkedCommand
from tests.faults.kit.matrix import fault
from tests.faults.kit.studies import trials_of
from tests.support.command_line import CommandLine, command
from tests.support.ending_driver import RunDirOfEndingDriver
from tests.support.processes import wait_until

EPOCHS = 80
# 200 steps, one per image.
EPOCH_OF_SECONDS = ["--set", "model.hidden=[1024, 1024]", "--set", "training.batch_size=1", "--set", "trials=1"]
RESUME_HINT = "interrupted; resume with: mxtrials resume run\n"


def send_in_first_epoch(driver: ForkedCommand, run_dir: RunDir, *signals: int) -> None:
    """Sends signals while a study's first trial trains its first epoch, the second once the first is handled."""
    wait_until(lambda: run_dir.path.exists() and bool(trials_of(run_dir)), "a trial runs")
    os.kill(driver.pid, signals[0])
    wait_until(lambda: "stopping (interrupted" in driver.stdout.read_text(), "it says that it stops")
    for number in signals[1:]:
        os.kill(driver.pid, number)


@fault(
    "The driver",
    "Ctrl-C (SIGINT) or SIGTERM",
    seen="running trials finish their epoch and are saved; exit code 130, with the command to resume",
    cost="nothing",
)
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_study_saves_its_last_epoch_and_resumes_from_it(
    signal_number: int, mxtrials: CommandLine, small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    run_dir = RunDir(tmp_path / "run")
    with subprocess.Popen(
        command("run", "smoke", *small, "--set", f"training.epochs={EPOCHS}", "--out", "run"),
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        next(line for line in running.stdout if "epoch 1/" in line)
        running.send_signal(signal_number)
        _, stderr = running.communicate(timeout=60)
    assert (running.returncode, stderr) == (130, RESUME_HINT)
    assert read_summary(run_dir).state == "interrupted"
    *_, stopped = trials_of(run_dir)
    assert stopped.state is TrialState.WAITING
    assert run_dir.checkpoint(stopped.number, stopped.epochs).is_file()
    assert '<span class="badge interrupted">' in run_dir.report.read_text()

    resumed = mxtrials("resume", "run", "--local", "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert [trial["state"] for trial in json.loads(resumed.stdout)["trials"]] == ["COMPLETE", "COMPLETE"]
    rows = pq.read_table(run_dir.metrics).to_pylist()
    assert [(row["number"], row["epoch"]) for row in rows] == [(n, e + 1) for n in range(2) for e in range(EPOCHS)]


@pytest.mark.slow
def test_study_on_ray_saves_its_last_epoch_if_all_its_processes_are_interrupted(
    mxtrials: CommandLine, small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    small.remove("--local")
    options = [*small, "--workers", "cpu=1,gpu=0", "--set", "training.epochs=200", "--set", "trials=1"]
    with subprocess.Popen(
        command("run", "smoke", *options, "--out", "run"),
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None
        next(line for line in running.stdout if "epoch 1/" in line)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
        _, stderr = running.communicate(timeout=60)
    assert (running.returncode, stderr) == (130, RESUME_HINT)
    run_dir = RunDir(tmp_path / "run")
    (stopped,) = trials_of(run_dir)
    assert (read_summary(run_dir).state, stopped.state) == ("interrupted", TrialState.WAITING)
    assert run_dir.checkpoint(0, stopped.epochs).is_file()
    assert mxtrials("resume", "run", "--local").returncode == 0
    assert [(trial.state, trial.epochs) for trial in trials_of(run_dir)] == [(TrialState.COMPLETE, 200)]


@fault(
    "The driver",
    "a second Ctrl-C or SIGTERM",
    seen="the driver exits at once; exit code 130, with the command to resume",
    cost="the running epochs",
)
@pytest.mark.parametrize(
    "signals",
    [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT), (signal.SIGHUP, signal.SIGINT)],
)
def test_second_interrupt_exits_during_the_epoch_and_the_study_resumes(
    signals: tuple[int, int], small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    run_dir = RunDir(tmp_path / "run")
    mxtrials = partial(ForkedCommand, folder=tmp_path, environment=environment)
    driver = mxtrials("run", "smoke", *small, *EPOCH_OF_SECONDS, "--out", "run")
    send_in_first_epoch(driver, run_dir, *signals)
    assert (driver.wait(), driver.stderr.read_text()) == (130, RESUME_HINT)
    assert [(trial.state, trial.epochs) for trial in trials_of(run_dir)] == [(TrialState.RUNNING, 0)]
    assert mxtrials("resume", "run", "--local").wait() == 0
    assert [(trial.state, trial.epochs) for trial in trials_of(run_dir)] == [(TrialState.COMPLETE, 1)]


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGHUP, signal.SIGHUP), (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP), (signal.SIGTERM, signal.SIGHUP)],
)
def test_hangup_is_not_a_second_interrupt(
    signals: tuple[int, ...], small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    run_dir = RunDir(tmp_path / "run")
    driver = ForkedCommand(
        "run", "smoke", *small, *EPOCH_OF_SECONDS, "--out", "run", folder=tmp_path, environment=environment
    )
    send_in_first_epoch(driver, run_dir, *signals)
    assert (driver.wait(), driver.stderr.read_text()) == (130, RESUME_HINT)
    assert [(trial.state, trial.epochs) for trial in trials_of(run_dir)] == [(TrialState.COMPLETE, 1)]
    assert read_summary(run_dir).state == "interrupted"


@fault(
    "The driver",
    "Ctrl-C, SIGTERM or SIGHUP before the first trial",
    seen="exit code 130, no run directory",
    cost="nothing",
)
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["cache", "MXNet"])
def test_interrupt_before_the_first_trial_leaves_no_run(
    moment: str, signal_number: int, environment: dict[str, str], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    run_dir = RunDir(tmp_path / "runs" / "run")
    with subprocess.Popen(
        command("run", "smoke", "--out", run_dir.path),
        cwd=tmp_path,
        env={**environment, "XDG_CACHE_HOME": str(cache)} if moment == "cache" else environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        wait_until(cache.exists if moment == "cache" else run_dir.tensorboard.exists, f"{moment} is being loaded")
        run.send_signal(signal_number)
        _, stderr = run.communicate(timeout=60)
    assert (run.returncode, stderr) == (130, "interrupted\n")
    assert list(tmp_path.glob("runs/*")) == []


def test_interrupted_study_names_no_best_model_that_is_not_there(
    small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    lengths = ["search.space={training.epochs: {choices: [1, 10000]}}", "search.sampler={kind: grid}", "trials=2"]
    options = [*small, *(word for field in lengths for word in ("--set", field))]
    driver = ForkedCommand("run", "smoke", *options, "--out", "run", folder=tmp_path, environment=environment)
    wait_until(lambda: "trial 1 mlp epoch" in driver.stdout.read_text(), "the first trial is complete")
    os.kill(driver.pid, signal.SIGINT)
    assert driver.wait() == 130
    assert [trial.state for trial in trials_of(RunDir(tmp_path / "run"))] == [TrialState.COMPLETE, TrialState.WAITING]
    printed = driver.stdout.read_text()
    assert "results       run/results.parquet" in printed
    assert "best model" not in printed


@fault(
    "The driver",
    "`mxtrials show` reads a study at the moment when its driver ends",
    seen="how it ended, with the trials as they then are",
    cost="nothing",
)
@pytest.mark.parametrize(
    ("signal_number", "reason", "state"),
    [
        (signal.SIGINT, "interrupted", TrialState.WAITING),
        (signal.SIGKILL, "its driver stopped unexpectedly", TrialState.RUNNING),
    ],
)
def test_study_that_ends_while_it_is_read_is_shown_as_it_ended(
    signal_number: int, reason: str, state: TrialState, small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    options = [*small, "--set", "training.epochs=10000", "--set", "trials=1"]
    driver = ForkedCommand("run", "smoke", *options, "--out", "run", folder=tmp_path, environment=environment)
    wait_until(lambda: "epoch 2/" in driver.stdout.read_text(), "the trial runs")
    assert read_summary(RunDir(tmp_path / "run")).state == "running"

    def end_driver() -> None:
        os.kill(driver.pid, signal_number)
        driver.wait()

    summary = read_summary(RunDirOfEndingDriver(tmp_path / "run", end_driver))
    assert (summary.state, summary.reason) == ("interrupted", reason)
    (shown,), (later,) = summary.trials, read_summary(RunDir(tmp_path / "run")).trials
    # What is killed while it commits leaves an epoch that SQLite shows only to those who open the store afterwards.
    cut = later.epochs == shown.epochs + 1 and signal_number == signal.SIGKILL
    assert shown == later or cut
    assert [trial.state for trial in summary.trials] == [state]
