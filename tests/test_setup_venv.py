"""deploy/setup-venv.sh on machines that lack something: it stops before it makes anything, and says why."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "deploy" / "setup-venv.sh"
CANNOT_LOAD = "def CDLL(name):\n    raise OSError(name)\n"
CANNOT_IMPORT = "raise ImportError\n"


@pytest.fixture
def lacking(tmp_path: Path) -> Path:
    """A folder of stand-ins: programs found before the machine's own, modules found before Python's own."""
    folder = tmp_path / "lacking"
    folder.mkdir()
    return folder


def test_missing_interpreter_is_named(lacking: Path) -> None:
    assert "but python9 is missing;" in refusal(lacking, python="python9")


def test_unsupported_interpreter_is_named_with_its_version(lacking: Path) -> None:
    python = program(lacking, "python3", "echo 3.12.1")

    assert f"needs Python 3.10 or 3.11, but {python} is 3.12.1;" in refusal(lacking, python=python)


def test_interpreter_switched_off_by_its_version_manager_is_passed_over(lacking: Path) -> None:
    for name in ("python3.11", "python3.10"):
        program(lacking, name, "echo 'command not found' >&2; exit 127")
    program(lacking, "python3", "echo 3.13.0")

    assert "but python3 is 3.13.0;" in refusal(lacking)


def test_other_platform_is_named(lacking: Path) -> None:
    program(lacking, "uname", "echo Darwin arm64")

    assert "this is Darwin arm64;" in refusal(lacking)


def test_python_without_venv_module_is_told_its_package(lacking: Path) -> None:
    (lacking / "ensurepip.py").write_text(CANNOT_IMPORT)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert refusal(lacking, python=sys.executable).endswith(f"apt-get install python{version}-venv\n")


def test_missing_system_libraries_are_named_with_their_packages(lacking: Path) -> None:
    (lacking / "ctypes.py").write_text(CANNOT_LOAD)

    assert refusal(lacking, python=sys.executable).endswith("apt-get install libgomp1 libquadmath0\n")


def program(folder: Path, name: str, commands: str) -> str:
    """A shell program of this name in the folder; returns its path."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{commands}\n")
    path.chmod(0o755)
    return str(path)


def refusal(lacking: Path, python: str = "") -> str:
    """The one line that the script ends with, in an empty folder, with the stand-ins first."""
    path = f"{lacking}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(lacking), "PYTHON": python}
    done = subprocess.run(
        ["sh", str(SCRIPT)], cwd=lacking.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert not (lacking.parent / ".venv").exists()
    return done.stderr
