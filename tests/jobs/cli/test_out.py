"""`mxtrials run --out`: an existing, empty folder, and folders whose names mean something to a shell."""

import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, assert_one_line_error, command

NAME = "my runs; it's $HOME"


def files_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_study_runs_in_an_empty_folder_which_stays(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    out = tmp_path / "volume"
    out.mkdir(mode=0o750)
    (out / "lost+found").mkdir()
    before = out.stat()
    done = mxtrials("run", "smoke", *small, "--quiet", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert (out.stat().st_ino, out.stat().st_mode) == (before.st_ino, before.st_mode)
    assert files_in(out) >= {"spec.yaml", "study.db", "environment.json", "best", "lost+found"}
    assert not [name for name in files_in(out) if name.startswith(".mxtrials")]
    assert files_in(tmp_path) == {"volume"}


def test_study_runs_in_the_empty_working_folder(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    assert mxtrials("run", "smoke", *small, "--quiet", "--out", ".").returncode == 0
    assert files_in(tmp_path) >= {"spec.yaml", "study.db"}


@pytest.mark.parametrize("content", ["notes.txt", ".hidden", "spec.yaml"])
def test_folder_that_is_not_empty_is_rejected_and_kept(
    content: str, mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / content).write_text("mine")
    assert_one_line_error(mxtrials("run", "smoke", *small, "--out", out), 2, "out already exists", "--out")
    assert (files_in(out), (out / content).read_text()) == ({content}, "mine")


def test_empty_folder_stays_empty_if_the_study_cannot_start(mxtrials: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "lost+found").mkdir(parents=True)
    failed = mxtrials("run", "smoke", "--address", "127.0.0.1:1", "--set", "workers.gpu=0", "--quiet", "--out", out)
    assert failed.returncode == 3
    assert files_in(out) == {"lost+found"}


def test_every_printed_command_can_be_pasted_into_a_shell(
    mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    quoted = shlex.quote(NAME)
    done = mxtrials("run", "smoke", *small, "--out", NAME)
    assert f"tensorboard --logdir {shlex.quote(f'{NAME}/tensorboard')}\n" in done.stdout
    again = mxtrials("run", "smoke", *small, "--out", NAME)
    assert_one_line_error(again, 2, f"`mxtrials resume {quoted}`")
    spec = tmp_path / NAME / "spec.yaml"
    spec.write_text(spec.read_text().replace("seed: 0", "seed: 1"))
    edited = mxtrials("show", NAME)
    assert_one_line_error(edited, 2, f"`mxtrials run {shlex.quote(f'{NAME}/spec.yaml')} --out NEW_FOLDER`")


def test_printed_command_resumes_an_interrupted_study(
    mxtrials: CommandLine, small: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    with subprocess.Popen(
        command("run", "smoke", *small, "--set", "training.epochs=300", "--set", "trials=1", "--out", NAME),
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        next(line for line in running.stdout if "epoch 1/" in line)
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=60)
    assert stderr == f"interrupted; resume with: mxtrials resume {shlex.quote(NAME)}\n"
    program, *arguments = shlex.split(stderr.partition("resume with: ")[2])
    assert program == "mxtrials"
    assert mxtrials(*arguments, "--local", "--quiet").returncode == 0


def test_command_in_a_study_without_a_complete_trial_is_quoted(mxtrials: CommandLine, small: list[str]) -> None:
    fields = ("search={}", "training.learning_rate=100", "training.weight_decay=1", "training.epochs=20", "trials=1")
    diverges = [word for field in fields for word in ("--set", field)]
    failed = mxtrials("run", "smoke", *small, *diverges, "--quiet", "--out", NAME)
    assert_one_line_error(failed, 1, f"`mxtrials show {shlex.quote(NAME)}` says why")


@pytest.mark.parametrize(
    ("out", "code", "reason"),
    [
        ("", 2, "Invalid value for '--out': the folder's name is empty"),
        ("n" * 300, 3, "cannot be created (File name too long)"),
        ("file/run", 3, "file/run cannot be created (Not a directory)"),
        ("file", 2, "file already exists and is not a folder"),
        ("nowhere", 2, "nowhere already exists and is a link to nothing"),
        ("full", 2, "full already exists and is not empty: it contains .DS_Store"),
        ("~nosuchuser/run", 2, "~nosuchuser/run cannot be found"),
    ],
)
def test_folder_that_cannot_be_used_is_rejected_with_the_reason(
    out: str, code: int, reason: str, mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "nowhere").symlink_to("missing")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / ".DS_Store").touch()
    before = files_in(tmp_path)
    done = mxtrials("run", "smoke", *small, "--out", out)
    assert done.returncode == code
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert files_in(tmp_path) == before


def test_study_runs_in_the_empty_folder_behind_a_link_and_in_the_home_folder(
    mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "link").symlink_to("volume")
    assert mxtrials("run", "smoke", *small, "--quiet", "--out", "link").returncode == 0
    assert files_in(tmp_path / "volume") >= {"spec.yaml", "study.db"}
    assert (tmp_path / "link").is_symlink()
    assert mxtrials("run", "smoke", *small, "--quiet", "--out=~/run", HOME=str(tmp_path)).returncode == 0
    assert files_in(tmp_path / "run") >= {"spec.yaml", "study.db"}
