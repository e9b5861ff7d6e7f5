"""`mxtrials show --watch`, in a terminal beside the process that runs the study."""

import io
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from cluster.run_dir.paths import RunDir
from jobs.terminal.ranking import Ranking
from jobs.terminal.studies.watch import watch_study
from tests.support.command_line import CommandLine, command
from tests.support.processes import wait_until
from tests.support.terminal import run_in_terminal


def test_study_of_another_process_is_watched_until_ctrl_c_which_does_not_stop_it(
    small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    options = [*small, "--set", "training.epochs=9999", "--trials", "1"]
    start = command("run", "smoke", *options, "--quiet", "--out", "run")
    with subprocess.Popen(start, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as running:
        log = tmp_path / "run" / "run.log"
        wait_until(lambda: log.exists() and "epoch 1/" in log.read_text(), "a trial is being trained")
        variables = {**environment, "TERM": "xterm-256color"}
        watched = run_in_terminal(command("show", "run", "--watch"), tmp_path, variables, 80, interrupt_at=b"elapsed")
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 130
    assert (watched.exit_code, watched.hides_cursor) == (0, False), watched.lines
    text = "\n".join(watched.lines)
    assert text[text.rindex("smoke  ") :].startswith("smoke  running  0 of 1 trial: 1 running")


def test_study_that_ends_is_shown_as_it_ended(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    assert mxtrials("run", "smoke", *small, "--quiet", "--out", "run").returncode == 0
    run_dir = RunDir(tmp_path / "run")
    console = Console(file=io.StringIO(), width=100, height=24, force_terminal=True, color_system=None)
    with ExitStack() as driver:
        driver.enter_context(run_dir.lock())  # as the process that runs the study does
        watch_study(run_dir, Ranking(), console, sleep=lambda seconds: driver.close())
    assert isinstance(console.file, io.StringIO)
    drawn = console.file.getvalue()
    assert "2 of 2 trials  2 complete" in drawn
    assert drawn[drawn.rindex("smoke  ") :].startswith("smoke  complete  2 of 2 trials: 2 complete")


def test_output_that_is_no_terminal_cannot_be_watched(mxtrials: CommandLine, small: list[str]) -> None:
    assert mxtrials("run", "smoke", *small, "--quiet", "--out", "run").returncode == 0
    rejected = mxtrials("show", "run", "--watch")
    assert rejected.returncode == 2
    assert "--watch draws on a terminal" in rejected.stderr
    both = mxtrials("show", "run", "--top", "3", "--json")
    assert both.returncode == 2
    assert "--top orders the leaderboard, which --json does not show" in both.stderr
