"""Finds run directories: those under a folder, the newest of them, and the one that a name stands for."""

from pathlib import Path

from cluster.run_dir.paths import RunDir
from mnist_core.errors import RunDirError

RUNS = Path("runs")
"""Where studies are written unless `--out` says otherwise."""


def find_runs(folder: Path = RUNS) -> list[RunDir]:
    """Returns the run directories directly in a folder, the one that changed last first."""
    try:
        found = [RunDir(path) for path in folder.iterdir() if RunDir(path).has_study()]
    except OSError:
        return []
    return sorted(found, key=changed_at, reverse=True)


def changed_at(run_dir: RunDir) -> float:
    """Returns when a file of a run changed last, as Unix time in seconds; 0 if that cannot be read."""
    try:
        return max((path.stat().st_mtime for path in run_dir.path.iterdir() if path.is_file()), default=0.0)
    except OSError:  # it is being written
        return 0.0


def resolve_run(name: str | None) -> Path:
    """Returns the path of the run that a word of the command line stands for, whether or not it is there.

    Args:
        name: a run directory, or the name of one in `runs/`; None for the one there that changed last.

    Raises:
        RunDirError: there is no study in `runs/`.
    """
    if name is None:
        newest = next(iter(find_runs()), None)
        if newest is None:
            raise RunDirError(f"there is no study in {RUNS}/: name a run directory, or start one with `mxtrials run`")
        return newest.path
    path = Path(name)
    is_plain_name = path.name == name and name not in (".", "..")
    return RUNS / name if is_plain_name and not RunDir(path).has_study() and RunDir(RUNS / name).has_study() else path
