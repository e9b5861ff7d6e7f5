"""deploy/setup-venv.sh on machines where something is missing: it says what, and makes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "deploy" / "setup-venv.sh"
CANNOT_LOAD = "def CDLL(name):\n    raise OSError(name)\n"
CANNOT_IMPORT = "raise ImportError\n"


@pytest.fixture
def stand_ins(tmp_path: Path) -> Path:
    """A folder for programs that are found before the machine's own, and modules found before Python's own."""
    folder = tmp_path / "stand-ins"
    folder.mkdir()
    return folder


def test_missing_interpreter_is_named(stand_ins: Path) -> None:
    assert "but python9 is missing;" in setup_error(stand_ins, python="python9")


def test_unsupported_interpreter_is_named_with_its_version(stand_ins: Path) -> None:
    python = add_program(stand_ins, "python3", "echo 3.12.1")

    assert f"needs Python 3.10 or 3.11, but {python} is 3.12.1;" in setup_error(stand_ins, python=python)


def test_interpreter_that_its_version_manager_has_not_activated_is_skipped(stand_ins: Path) -> None:
    for name in ("python3.11", "python3.10"):
        add_program(stand_ins, name, "echo 'command not found' >&2; exit 127")
    add_program(stand_ins, "python3", "echo 3.13.0")

    assert "but python3 is 3.13.0;" in setup_error(stand_ins)


def test_unsupported_platform_is_named(stand_ins: Path) -> None:
    add_program(stand_ins, "uname", "echo Darwin arm64")

    assert "this is Darwin arm64;" in setup_error(stand_ins)


def test_missing_venv_module_is_named_with_its_package(stand_ins: Path) -> None:
    (stand_ins / "ensurepip.py").write_text(CANNOT_IMPORT)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert setup_error(stand_ins, python=sys.executable).endswith(f"apt-get install python{version}-venv\n")


def test_missing_system_libraries_are_named_with_their_packages(stand_ins: Path) -> None:
    (stand_ins / "ctypes.py").write_text(CANNOT_LOAD)

    assert setup_error(stand_ins, python=sys.executable).endswith("apt-get install libgomp1 libquadmath0\n")


def add_program(folder: Path, name: str, commands: str) -> str:
    """Adds a shell program to the folder and returns its path."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{commands}\n")
    path.chmod(0o755)
    return str(path)


def setup_error(stand_ins: Path, python: str = "") -> str:
    """Runs the script in an empty folder, with the stand-ins first, and returns the one line that it prints."""
    path = f"{stand_ins}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(stand_ins), "PYTHON": python}
    done = subprocess.run(
        ["sh", str(SCRIPT)], cwd=stand_ins.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert not (stand_ins.parent / ".venv").exists()
    return done.stderr
