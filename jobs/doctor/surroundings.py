"""The doctor's checks of what a shell hands to a program: home, temporary folder, limit of open files."""

import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cluster.ray_backend.session import FEWEST_FILES, MOST_SOCKET_BYTES, TemporaryFolder, find_temporary_folder
from jobs.doctor.check import CheckResult

# What Ray recommends for a driver with some workers; it opens several files for each of them.
_ENOUGH_FILES = 1024


def check_surroundings() -> Iterator[CheckResult]:
    """Checks the home folder, the temporary folder and the limit of open files."""
    yield check_home(_home())
    yield check_temporary_folder(find_temporary_folder())
    yield check_open_files(*resource.getrlimit(resource.RLIMIT_NOFILE))


def check_home(home: Path | None) -> CheckResult:
    """Checks that files can be written to the home folder. home: None if the user has none."""
    remedy = "set HOME to a folder that you can write: Ray keeps its token there, and mxtrials its data cache"
    if home is None:
        return CheckResult("home", "missing", "none", remedy)
    if not home.is_dir():
        return CheckResult("home", "missing", f"{home} is no folder", remedy)
    if not _can_be_written(home):
        return CheckResult("home", "missing", f"{home} cannot be written", remedy)
    return CheckResult("home", "ok", str(home))


def check_temporary_folder(folder: TemporaryFolder) -> CheckResult:
    """Checks that Ray can make its sockets, whose paths Linux limits, in its temporary folder."""
    what, remedy = "temporary folder", "set RAY_TMPDIR to another folder, e.g. /tmp; --local needs none"
    if folder.socket_bytes > MOST_SOCKET_BYTES:
        found = f"{folder.path}: its name is {folder.socket_bytes - MOST_SOCKET_BYTES} bytes too long for Ray's sockets"
        return CheckResult(what, "missing", found, remedy)
    if not _can_be_written(folder.path):
        return CheckResult(what, "missing", f"{folder.path} cannot be written", remedy)
    return CheckResult(what, "ok", str(folder.path))


def check_open_files(soft: int, hard: int) -> CheckResult:
    """Checks the limit of open files. soft, hard: as `resource.getrlimit` gives them; negative without a limit."""
    what, found = "open files", str(soft) if soft >= 0 else "unlimited"
    if soft < 0 or soft >= _ENOUGH_FILES:
        return CheckResult(what, "ok", found)
    remedy = f"`ulimit -n {_ENOUGH_FILES}`"
    if 0 <= hard < _ENOUGH_FILES:
        remedy = (
            f"let the administrator raise the hard limit, {hard}, to {_ENOUGH_FILES}, e.g. `docker run --ulimit nofile`"
        )
    return CheckResult(what, "missing" if soft < FEWEST_FILES else "warning", found, f"{remedy}: Ray opens many files")


def _can_be_written(folder: Path) -> bool:
    """Returns whether a file can be made in a folder; tries it, with one that disappears by itself."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None
