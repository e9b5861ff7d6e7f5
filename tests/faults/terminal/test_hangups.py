"""A terminal that closes while a study runs in it: SIGHUP, and an output that can no longer be written.

The terminal of these tests is not read after a study's first epoch. In a dumb terminal a study writes a line per epoch,
so it waits, within its first few hundred epochs, until the terminal is closed.
"""

import fcntl
import os
import pty
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import join

import psutil
import pytest

from cluster.results.summary import read_summary
from cluster.run_dir.paths import RunDir
from cluster.trial import TrialState
from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_results
from tests.faults.kit.studies import trials_of
from tests.support.command_line import CommandLine, command, run_successfully
from tests.support.terminal import PATIENCE_S, read_until, start_in_terminal

EPOCHS = 1000
FIRST_EPOCH = f"epoch 1/{EPOCHS}".encode()
RAY = ("--workers", "cpu=1,gpu=0")
DUMB, XTERM = {"TERM": "dumb"}, {"TERM": "xterm-256color"}


@pytest.fixture(scope="module")
def study(small_idx_folder: Path) -> list[str]:
    """Arguments of `mxtrials run` for a study of one long trial, without --local."""
    return [
        "smoke",
        f"--set=data.source={small_idx_folder}",
        "--set=data.holdout=56",
        f"--epochs={EPOCHS}",
        "--trials=1",
    ]


@pytest.fixture(scope="module")
def whole(environment: dict[str, str], study: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of that study, undisturbed."""
    run_dir = tmp_path_factory.mktemp("whole") / "run"
    run_successfully(environment, "run", *study, "--local", "--quiet", "--out", run_dir)
    return run_dir


def assert_hung_up(run_dir: RunDir) -> None:
    """Checks that a study stopped in its only trial because of SIGHUP, saved it, and said in its log how to resume."""
    summary = read_summary(run_dir)
    assert (summary.state, summary.reason) == ("interrupted", "interrupted by SIGHUP")
    (stopped,) = trials_of(run_dir)
    assert stopped.state is TrialState.WAITING
    assert run_dir.checkpoint(0, stopped.epochs).is_file()
    assert run_dir.log.read_text().endswith("  interrupted; resume with: mxtrials resume run\n")


def assert_resumes(mxtrials: CommandLine, run_dir: RunDir, whole: Path) -> None:
    """Checks that a study resumes, and ends like the undisturbed one."""
    resumed = mxtrials("resume", "run", "--local", "--quiet")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert read_results(run_dir.path) == read_results(whole)


@fault(
    "The driver",
    "its terminal closes (SIGHUP)",
    seen='as after SIGTERM; `run.log` has the command to resume, `mxtrials show` says "interrupted by SIGHUP"',
    cost="nothing",
)
@pytest.mark.parametrize("variables", [DUMB, XTERM], ids=["dumb", "xterm"])
def test_study_whose_terminal_closes_is_saved_and_resumes(
    variables: dict[str, str],
    mxtrials: CommandLine,
    study: list[str],
    whole: Path,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    run = command("run", *study, "--local", "--out", "run")
    # A terminal that redraws lines never makes the study wait, so that one is longer, and is not resumed.
    epochs = [] if variables is DUMB else ["--epochs=10000"]
    assert run_until_terminal_closes([*run, *epochs], tmp_path, {**environment, **variables}) == 130
    assert_hung_up(RunDir(tmp_path / "run"))
    if variables is DUMB:
        assert_resumes(mxtrials, RunDir(tmp_path / "run"), whole)


@pytest.mark.parametrize("backend", [["--local"], pytest.param(RAY, marks=pytest.mark.slow)], ids=["local", "ray"])
def test_study_in_a_shell_whose_terminal_closes_is_saved_and_resumes(
    backend: Sequence[str],
    mxtrials: CommandLine,
    study: list[str],
    whole: Path,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    keyboard, terminal = pty.openpty()
    shell = ["bash", "--norc", "--noprofile", "-i"]
    with start_in_terminal(shell, tmp_path, {**environment, **DUMB}, terminal) as process:
        os.write(keyboard, f"{join(command('run', *study, *backend, '--out', 'run'))}\n".encode())
        read_until(keyboard, FIRST_EPOCH)
        processes = psutil.Process(process.pid).children(recursive=True)
        os.close(keyboard)  # the shell sends SIGHUP to all of them, and the kernel sends it again when the shell ends
    _, alive = psutil.wait_procs(processes, PATIENCE_S)
    assert not alive
    assert_hung_up(RunDir(tmp_path / "run"))
    assert_resumes(mxtrials, RunDir(tmp_path / "run"), whole)


@fault(
    "The driver",
    "its terminal closes, and SIGHUP is ignored (`nohup`)",
    seen="nothing: the study continues",
    cost="nothing",
)
def test_study_under_nohup_continues_after_its_terminal_has_closed(
    study: list[str], whole: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    # The study's log is a pipe, which is not read until the terminal has closed; until then, the study waits.
    output, log = os.pipe()
    fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, 4096)
    keyboard, terminal = pty.openpty()
    words = ["setsid", "--ctty", "nohup", *command("run", *study, "--local", "--out", "run")]
    with (
        subprocess.Popen(words, stdin=terminal, stdout=log, stderr=terminal, cwd=tmp_path, env=environment) as process,
        os.fdopen(output, "rb") as lines,
    ):
        os.close(log)
        os.close(terminal)
        assert any(FIRST_EPOCH in line for line in lines)
        os.close(keyboard)
        *_, last = lines
        assert process.wait(PATIENCE_S) == 0
    assert last.startswith(b"TensorBoard")
    assert read_results(tmp_path / "run") == read_results(whole)


@pytest.mark.parametrize("variables", [DUMB, XTERM], ids=["dumb", "xterm"])
def test_study_that_ignores_hangups_continues_without_its_terminal(
    variables: dict[str, str], study: list[str], whole: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    run = ["env", "--ignore-signal=HUP", *command("run", *study, "--local", "--out", "run")]
    assert run_until_terminal_closes(run, tmp_path, {**environment, **variables}) == 0
    assert read_results(tmp_path / "run") == read_results(whole)


def run_until_terminal_closes(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Runs a study in a terminal that closes in its first epoch, waits for its end, and returns its exit code."""
    keyboard, terminal = pty.openpty()
    with start_in_terminal(words, folder, environment, terminal) as process:
        read_until(keyboard, b"epoch")
        os.close(keyboard)
        return process.wait(PATIENCE_S)
