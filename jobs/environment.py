"""What a run was made with, kept in its run directory: versions, host, commit, fingerprint of the data."""

import json
import os
import platform
import socket
import subprocess
from importlib.metadata import PackageNotFoundError, version

from cluster.run_dir import RunDir
from mnist_core.atomic_file import write_atomically
from mnist_core.dataset import Dataset

_RECORDED_PACKAGES = ("mxtrials", "mxnet", "numpy", "ray", "pyarrow", "optuna", "tensorboardX")


def record_environment(run_dir: RunDir, dataset: Dataset) -> None:
    """Writes what the study is run with.

    Raises:
        NotWritable: the folder or the disk refuses.
    """
    write_atomically(run_dir.environment, json.dumps(_environment(dataset), indent=2).encode())


def recorded_fingerprint(run_dir: RunDir) -> object:
    """The fingerprint of the data that the study was begun with, or None where that is no longer known."""
    try:
        return json.loads(run_dir.environment.read_text()).get("data_fingerprint")
    except (OSError, ValueError):
        return None


def _environment(dataset: Dataset) -> dict[str, object]:
    return {
        "packages": {name: _version(name) for name in _RECORDED_PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cores": len(os.sched_getaffinity(0)),
        "git_commit": _git_commit(),
        "data_fingerprint": dataset.fingerprint,
    }


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
