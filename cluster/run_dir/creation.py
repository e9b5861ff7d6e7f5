"""Creates run directories so that one appears complete or not at all, whatever ends the process."""

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex

from cluster.run_dir.paths import KEPT, START, RunDir
from cluster.run_dir.shell import shell_command
from mnist_core.atomic_file import sync_folder
from mnist_core.errors import NotWritable, RunDirError


@contextmanager
def create_atomically(path: Path, locks: ExitStack | None = None) -> Iterator[RunDir]:
    """Creates a run directory atomically: it appears complete when the block ends, or not at all.

    Until then it has a hidden name in the same folder, which remains if the process is killed. An empty folder,
    such as a mounted volume, stays and is filled: the hidden folder is in it, and the store is moved last.

    Args:
        path: where it appears.
        locks: if given, it is locked for this process when it appears, and until these locks are released.

    Raises:
        RunDirError: something already exists there.
        NotWritable: the folder cannot be created.
    """
    check_path_is_free(path)
    if path.is_dir():
        with ExitStack() as released_at_end:
            (released_at_end if locks is None else locks).enter_context(RunDir(path).lock())
            with _translate_creation_errors(path), _filled_at_once(RunDir(path)) as created:
                yield created
        return
    hidden = path.with_name(f".{path.name}.{token_hex(4)}")
    with _translate_creation_errors(path):
        missing = [folder for folder in path.parents if not folder.exists()]
        hidden.mkdir(parents=True)
    created = RunDir(hidden)
    try:
        if locks is not None:
            locks.enter_context(created.lock())
        yield created
        with _translate_creation_errors(path):
            hidden.rename(path)
            created.path = path
            for folder in (path, *missing):
                sync_folder(folder.parent)
    except NotWritable as err:
        created.remove()
        raise NotWritable(str(err).replace(str(hidden), str(path))) from err
    except BaseException:
        created.remove()
        raise


def check_path_is_free(path: Path) -> None:
    """Checks that a new run directory can be created at this path: nothing is there, or an empty folder.

    Raises:
        RunDirError: something already exists there.
        NotWritable: the path cannot be read.
    """
    with _translate_creation_errors(path):
        if (path.exists() or path.is_symlink()) and not (path.is_dir() and _is_empty(path)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


@contextmanager
def _filled_at_once(run_dir: RunDir) -> Iterator[RunDir]:
    """Yields a hidden folder to fill, whose files then move into the empty run directory, which must be locked."""
    check_path_is_free(run_dir.path)  # again: another process may have held the lock
    run_dir.clear(keep=KEPT)
    hidden = RunDir(run_dir.path / f"{START}{token_hex(4)}")
    hidden.path.mkdir()
    try:
        yield hidden
        for file in sorted(hidden.path.iterdir(), key=lambda file: file == hidden.store):
            sync_folder(run_dir.path)
            file.rename(run_dir.path / file.name)
        hidden.path.rmdir()
        sync_folder(run_dir.path)
    except NotWritable as err:
        run_dir.clear(keep=KEPT)
        raise NotWritable(str(err).replace(str(hidden.path), str(run_dir.path))) from err
    except BaseException:
        run_dir.clear(keep=KEPT)
        raise


def _is_empty(folder: Path) -> bool:
    """Returns whether the folder holds nothing but what a file system or a killed start leaves there."""
    names = {file.name for file in folder.iterdir()}
    begun = {name for name in names if name.startswith(START)}
    moved = {RunDir(folder).spec.name, RunDir(folder).environment.name} if begun else set()
    return names <= begun | moved | KEPT


@contextmanager
def _translate_creation_errors(path: Path) -> Iterator[None]:
    """Turns an OSError during the creation of a run directory into an MxtrialsError."""
    try:
        yield
    except OSError as err:
        if err.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise NotWritable(f"{path} cannot be created ({err.strerror}): choose another --out") from err
        if RunDir(path).has_study():
            resume = shell_command("mxtrials", "resume", path)
            raise RunDirError(f"{path} already exists: choose another --out, or continue it with `{resume}`") from err
        raise RunDirError(f"{path} already exists{_content(path)}: choose another --out") from err


def _content(path: Path) -> str:
    """Returns what prevents a study in an existing path, as the end of a clause."""
    if not path.is_dir():
        return " and is a link to nothing" if not path.exists() else " and is not a folder"
    names = sorted(file.name for file in path.iterdir() if file.name not in KEPT)
    return f" and is not empty: it contains {names[0]}" if names else ""
