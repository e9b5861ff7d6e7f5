"""Modules of the user that have the names of ours or of a library: the installed ones win, here and on Ray workers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import ROOT, CommandLine, command

STANDARD = ("random", "queue", "secrets")  # no Python starts with these on PYTHONPATH
MODULES = ("cluster", "mxnet", "numpy", "optuna", "ray", "pyarrow", "rich", "click", "psutil", "filelock", *STANDARD)
PROGRAM = [sys.executable, "-c", "from mnist_core.installed import main; main()"]


def write_modules(folder: Path, names: tuple[str, ...] = MODULES) -> None:
    """Writes modules that cannot be imported."""
    for name in names:
        (folder / f"{name}.py").write_text(f"raise SystemError('the {name} of the user')\n")


@pytest.mark.slow
@pytest.mark.parametrize("where", ["working folder", "PYTHONPATH"])
def test_study_on_ray_does_not_import_the_users_modules(
    where: str, environment: dict[str, str], small: list[str], tmp_path: Path
) -> None:
    on_ray = [*(option for option in small if option != "--local"), "--workers", "cpu=1", "--quiet"]
    run = ["run", "smoke", *on_ray, "--trials", "1", "--epochs", "1", "--out", str(tmp_path / "run")]
    (folder := tmp_path / "mine").mkdir()
    if where == "PYTHONPATH":
        write_modules(folder, ("cluster", "jobs", *(name for name in MODULES if name not in STANDARD)))
        environment = {**environment, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
        words = [*PROGRAM, *run]
    else:
        write_modules(folder)
        words = command(*run)
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_modules_in_the_working_folder_do_not_disturb_a_study_in_this_process(
    mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    write_modules(tmp_path)
    done = mxtrials("run", "smoke", *small, "--trials", "1", "--set=training.epochs=1", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
