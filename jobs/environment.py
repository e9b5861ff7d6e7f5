"""What a run was made with, kept in its run directory: versions, host, processor, commit, fingerprint of the data."""

import json
import os
import platform
import socket
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from cluster.run_dir import RunDir
from jobs.machine import read_processor
from mnist_core.atomic_file import write_atomically
from mnist_core.dataset import Dataset
from mnist_core.errors import DataError

_RECORDED_PACKAGES = ("mxtrials", "mxnet", "numpy", "ray", "pyarrow", "optuna", "tensorboardX")


def record_environment(run_dir: RunDir, dataset: Dataset) -> None:
    """Writes what the study is run with.

    Raises:
        NotWritable: the folder or the disk refuses.
    """
    write_atomically(run_dir.environment, json.dumps(_environment(dataset), indent=2).encode())


def refuse_changed_data(run_dir: RunDir, source: str, dataset: Dataset) -> None:
    """Compares the data with that of the study's beginning, as far as that is known.

    Raises:
        DataError: it has changed.
    """
    recorded = _recorded(run_dir).get("data_fingerprint")
    if recorded not in (None, dataset.fingerprint):
        raise DataError(
            f"the data of {source} has changed since the study began: its fingerprint is "
            f"{dataset.fingerprint[:16]} and was {str(recorded)[:16]}; restore the files, or begin a new study"
        )


def changes_since(run_dir: RunDir) -> tuple[str, ...] | None:
    """What may round numbers otherwise than when the study began, e.g. "numpy was 1.26.3 and is 1.26.4".

    Packages, Python and the processor; None where the run directory does not tell of them.
    """
    before, now = _what_computes(_recorded(run_dir)), _what_computes(_software())
    if not before:
        return None
    known = {name: value for name, value in before.items() if name in now}
    return tuple(f"{name} was {value} and is {now[name]}" for name, value in known.items() if now[name] != value)


def _recorded(run_dir: RunDir) -> dict[str, Any]:
    try:
        recorded = json.loads(run_dir.environment.read_text())
    except (OSError, ValueError):
        return {}
    return recorded if isinstance(recorded, dict) else {}


def _environment(dataset: Dataset) -> dict[str, Any]:
    return {
        **_software(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cores": len(os.sched_getaffinity(0)),
        "git_commit": _git_commit(),
        "data_fingerprint": dataset.fingerprint,
    }


def _software() -> dict[str, Any]:
    return {
        "packages": {name: _version(name) for name in _RECORDED_PACKAGES},
        "python": platform.python_version(),
        "cpu": read_processor(),
    }


def _what_computes(environment: dict[str, Any]) -> dict[str, str]:
    """By name: a version, or the processor, whose instructions decide in which order oneDNN sums."""
    packages = environment.get("packages")
    named = {
        **(packages if isinstance(packages, dict) else {}),
        "Python": environment.get("python"),
        "the processor": environment.get("cpu"),
    }
    return {name: str(value) for name, value in named.items() if value}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """The commit of the working directory, where it is a git checkout."""
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
