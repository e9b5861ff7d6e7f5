"""RUN_DIR on the command line: a path, a name in `runs/`, or nothing for the newest study there; `mxtrials list`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs.cli import main
from tests.support.command_line import command


@pytest.fixture(scope="module")
def folder(environment: dict[str, str], small_idx_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the studies `older` and `newer` in `runs/`, and a folder `newer` without one."""
    folder = tmp_path_factory.mktemp("names")
    options = ["--set", f"data.source={small_idx_folder}", "--set", "data.holdout=56", "--local", "--quiet"]
    for name in ("older", "newer"):
        arguments = command("run", "smoke", *options, "--set", f"name={name}")
        subprocess.run(arguments, cwd=folder, env=environment, check=True)
    for file in (folder / "runs" / "older").iterdir():
        os.utime(file, (1.0e9, 1.0e9))
    (folder / "newer").mkdir()
    return folder


@pytest.fixture(autouse=True)
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("name", ["older", "runs/older", "./runs/older"])
def test_study_is_found_by_path_or_by_its_name_in_runs(name: str) -> None:
    shown = call("show", name)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith("older  complete")


def test_folder_without_a_study_does_not_hide_a_study_of_the_same_name() -> None:
    assert call("show", "newer").stdout.startswith("newer  complete")


def test_study_is_the_newest_one_if_none_is_named() -> None:
    shown = call("show")
    assert shown.stdout.startswith("newer  complete")
    assert shown.stderr == "mxtrials: runs/newer is the newest study here\n"


@pytest.mark.parametrize("arguments", [["show"], ["evaluate"], ["resume"], ["reproduce"], ["export", "--to", "csv"]])
def test_folder_without_studies_is_said_to_have_none(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    failed = call(*arguments)
    assert failed.exit_code == 2
    assert failed.stderr.startswith("mxtrials: there is no study in runs/: name a run directory")


def test_network_of_a_named_study_is_shown() -> None:
    assert call("network", "older").stdout.startswith("mlp of trial ")
    assert call("network", "mlp").stdout.startswith("mlp with its defaults")


def test_list_has_a_line_for_each_study_newest_first() -> None:
    header, newer, older = call("list").stdout.splitlines()
    assert header.split() == ["study", "state", "trials", "best", "by", "changed", "size"]
    assert newer.split()[:3] == ["newer", "complete", "2/2"]
    assert older.split()[:3] == ["older", "complete", "2/2"]
    assert "2001-09-0" in older


def test_list_shows_a_damaged_study_as_such(folder: Path) -> None:
    damaged = folder / "runs" / "damaged"
    damaged.mkdir()
    (damaged / "study.db").write_bytes(b"not a store" * 100)
    listed = call("list")
    assert listed.exit_code == 0
    assert "damaged  damaged" in listed.stdout
    assert listed.stdout.splitlines()[-1].startswith("damaged: ")
    documents = {study["path"]: study for study in json.loads(call("list", "--json").stdout)}
    assert documents["runs/damaged"]["state"] is None
    assert documents["runs/damaged"]["error"]
    assert documents["runs/older"]["best"]["model"] == "mlp"
    (damaged / "study.db").unlink()


def test_list_of_a_folder_that_does_not_exist_is_rejected() -> None:
    assert call("list", "nowhere").stderr.startswith("mxtrials: there is no folder nowhere")
    assert call("list", "newer").stdout == "there is no study in newer\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["show", "ol"], {"older"}),
        (["show", "runs/o"], {"runs/older"}),
        (["run", "tutorial"], {"tutorial-mlp", "tutorial-lenet", "tutorial-multitask"}),
        (["evalu"], {"evaluate"}),
        (["show", "--wa"], {"--watch"}),
    ],
)
def test_shell_completes_commands_options_specs_and_run_directories(
    words: list[str], expected: set[str], environment: dict[str, str], folder: Path
) -> None:
    variables = {
        "_MXTRIALS_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["mxtrials", *words]),
        "COMP_CWORD": str(len(words)),
    }
    program = "from jobs.cli import main; main(prog_name='mxtrials')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_of_the_shell(shell: str) -> None:
    printed = call("completion", shell)
    assert printed.exit_code == 0
    assert "_MXTRIALS_COMPLETE" in printed.stdout
