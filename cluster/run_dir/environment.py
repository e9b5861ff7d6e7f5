"""The environment of a study: versions, host, processor, git commit, fingerprint and largest pixel of the data.

The store records the environment that the study started in; environment.json is a copy for people.
"""

import json
import os
import platform
import socket
import subprocess
from collections.abc import Callable
from typing import Any

from cluster.machine.processor import read_processor
from cluster.machine.software import installed_version
from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.store.store import Store
from mnist_core.atomic_file import write_atomically
from mnist_core.data.dataset import Dataset, largest_pixel
from mnist_core.errors import DataError

_RECORDED_PACKAGES = ("mxtrials", "mxnet", "numpy", "ray", "pyarrow", "optuna", "tensorboardX")


def present_environment(dataset: Dataset) -> str:
    """Returns the environment of a study that starts now, as JSON."""
    present = {
        **_software(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cores": len(os.sched_getaffinity(0)),
        "git_commit": _git_commit(),
        "data_fingerprint": dataset.fingerprint,
        "largest_pixel": largest_pixel(dataset),
    }
    return json.dumps(present, indent=2)


def recorded_environment(run_dir: RunDir, reader: StudyReader) -> str | None:
    """Returns the environment that the study started in, as JSON: from its store or an older version's file.

    Raises:
        RunDirError: the store is damaged.
    """
    return reader.environment() or _written(run_dir)


def write_environment(run_dir: RunDir, environment: str) -> None:
    """Writes the copy that people read.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    write_atomically(run_dir.environment, environment.encode())


def sync_environment(run_dir: RunDir, store: Store, dataset: Dataset, warn: Callable[[str], None]) -> None:
    """Copies into the store what only the file contains, and rewrites the file if it differs from the store.

    If neither contains the data's fingerprint, warns, and records the current environment instead.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    recorded = recorded_environment(run_dir, store)
    if recorded is None or _fingerprint(recorded) is None:
        warn(
            f"the original data fingerprint is not recorded in {run_dir.store.name} or {run_dir.environment.name}; "
            "using the current data's from now on"
        )
        recorded = present_environment(dataset)
    if recorded != store.environment():
        store.set_environment(recorded)
    if recorded != _written(run_dir):
        write_environment(run_dir, recorded)


def check_data_unchanged(recorded: str | None, source: str, dataset: Dataset) -> None:
    """Checks the data against the recorded fingerprint, if there is one.

    Raises:
        DataError: the data has changed.
    """
    before = _fingerprint(recorded)
    if before not in (None, dataset.fingerprint):
        raise DataError(
            f"the data of {source} has changed since the study started: its fingerprint is "
            f"{dataset.fingerprint[:16]} and was {str(before)[:16]}; restore the files, set data.source to "
            "the folder that has them, or start a new study"
        )


def changes_since(recorded: str | None) -> tuple[str, ...] | None:
    """Returns what has changed since the study started and may affect rounding: "numpy was 1.26.3 and is 1.26.4".

    Compares packages, Python and the processor; returns None if they are not recorded.
    """
    before, now = _rounding_factors(_parsed(recorded)), _rounding_factors(_software())
    if not before:
        return None
    known = {name: value for name, value in before.items() if name in now}
    return tuple(f"{name} was {value} and is {now[name]}" for name, value in known.items() if now[name] != value)


def _written(run_dir: RunDir) -> str | None:
    """Returns the copy for people; None if it is damaged or missing."""
    try:
        text = run_dir.environment.read_text()
        return text if isinstance(json.loads(text), dict) else None
    except (OSError, ValueError, RecursionError):
        return None


def _parsed(recorded: str | None) -> dict[str, Any]:
    return dict(json.loads(recorded or "{}"))


def _fingerprint(recorded: str | None) -> object:
    return _parsed(recorded).get("data_fingerprint")


def _software() -> dict[str, Any]:
    return {
        "packages": {name: installed_version(name) for name in _RECORDED_PACKAGES},
        "python": platform.python_version(),
        "cpu": read_processor(),
    }


def _rounding_factors(environment: dict[str, Any]) -> dict[str, str]:
    """Returns versions by name, and the processor, whose instructions decide the order in which oneDNN sums."""
    packages = environment.get("packages")
    named = {
        **(packages if isinstance(packages, dict) else {}),
        "Python": environment.get("python"),
        "the processor": environment.get("cpu"),
    }
    return {name: str(value) for name, value in named.items() if value}


def _git_commit() -> str | None:
    """Returns the commit of the working directory if it is a git checkout, else None."""
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
