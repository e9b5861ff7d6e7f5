"""Every file name inside a run directory, and how to create and open one. Reads and writes no file contents."""

import errno
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from cluster.run_dir.lock import hold_lock, is_locked
from cluster.run_dir.shell import shell_command
from mnist_core.atomic_file import leftovers, sync_folder
from mnist_core.errors import NotWritable, RunDirError

VOLUME_FILE = "lost+found"
"""What a mounted volume holds when it is empty."""

# `0003-lenet lr=0.06`, and `trial-0003` of earlier versions.
_TENSORBOARD_NAME = re.compile(r"\d{4,}-.|trial-\d{4,}$")
_LOCK, _LOCK_NOTE = ".lock", ".driver.json"
# What stays in an empty folder while it is filled.
_KEPT = frozenset({VOLUME_FILE, _LOCK, _LOCK_NOTE})
# How the name of the folder in it begins that is filled first.
_START = ".mxtrials-start."


class RunDir:
    """The folder of one study; README, "Reading results", says what each file is."""

    def __init__(self, path: Path) -> None:
        """Only stores the path; touches no file."""
        self.path = path

    @classmethod
    def create(cls, path: Path) -> "RunDir":
        """Creates a new, empty run directory.

        Raises:
            RunDirError: something already exists there.
            NotWritable: the folder cannot be created.
        """
        with _translate_creation_errors(path):
            path.mkdir(parents=True)
        return cls(path)

    @classmethod
    @contextmanager
    def create_atomically(cls, path: Path, locks: ExitStack | None = None) -> Iterator["RunDir"]:
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
                (released_at_end if locks is None else locks).enter_context(cls(path).lock())
                with _translate_creation_errors(path), _filled_at_once(cls(path)) as created:
                    yield created
            return
        hidden = path.with_name(f".{path.name}.{token_hex(4)}")
        with _translate_creation_errors(path):
            missing = [folder for folder in path.parents if not folder.exists()]
            hidden.mkdir(parents=True)
        created = cls(hidden)
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

    @classmethod
    def open(cls, path: Path) -> "RunDir":
        """Opens a run directory.

        Raises:
            RunDirError: there is none, or it contains no study.
        """
        run_dir = cls(path)
        try:
            if not path.is_dir():
                raise RunDirError(f"{path} is not a run directory: there is no such folder")
            if not run_dir.store.is_file():
                raise RunDirError(f"{path} is not a run directory: it has no {run_dir.store.name}")
        except OSError as err:
            raise RunDirError(f"{path} cannot be read ({err.strerror}): fix its permissions") from err
        return run_dir

    @property
    def spec(self) -> Path:
        """The resolved study spec (YAML)."""
        return self.path / "spec.yaml"

    @property
    def store(self) -> Path:
        """The study store (SQLite)."""
        return self.path / "study.db"

    @property
    def environment(self) -> Path:
        """Versions, host and data fingerprint (JSON)."""
        return self.path / "environment.json"

    @property
    def tensorboard(self) -> Path:
        """The folder to give to `tensorboard --logdir`."""
        return self.path / "tensorboard"

    def trial_tensorboard(self, number: int, name: str) -> Path:
        """Returns the folder with a trial's event files; `name` says what it trains."""
        return self.tensorboard / f"{number:04d}-{name}"

    def trials_tensorboard(self) -> set[Path]:
        """Returns the existing folders with the event files of trials, including those of earlier versions."""
        with suppress(FileNotFoundError, NotADirectoryError):
            return {folder for folder in self.tensorboard.iterdir() if _TENSORBOARD_NAME.match(folder.name)}
        return set()

    @property
    def study_tensorboard(self) -> Path:
        """The folder with the event files that belong to no trial."""
        return self.tensorboard / "study"

    def trial_checkpoints(self, number: int) -> Path:
        """Returns the folder with a trial's checkpoints."""
        return self.path / "checkpoints" / _trial_name(number)

    def checkpoint(self, number: int, epoch: int) -> Path:
        """Returns the file with a trial's checkpoint after an epoch; names sort by epoch."""
        return self.trial_checkpoints(number) / f"epoch-{epoch:05d}.state"

    @property
    def best(self) -> Path:
        """The prefix of the best model's files, as `mx.mod.Module.load` expects it."""
        return self.path / "best" / "model"

    def has_best_model(self) -> bool:
        """Returns whether there is a best model; its card is the last of its files to be written."""
        return self.best.with_name(f"{self.best.name}.json").is_file()

    @property
    def results(self) -> Path:
        """The table with one row per trial (Parquet)."""
        return self.path / "results.parquet"

    @property
    def metrics(self) -> Path:
        """The table with one row per epoch of a trial (Parquet)."""
        return self.path / "metrics.parquet"

    @property
    def export(self) -> Path:
        """The folder for `mxtrials export`."""
        return self.path / "export"

    @property
    def predictions(self) -> Path:
        """The table of what the best trial of each kind of network predicts for the test images (Parquet)."""
        return self.path / "predictions.parquet"

    @property
    def networks(self) -> Path:
        """The layers of the best trial of each kind of network (JSON)."""
        return self.path / "networks.json"

    @property
    def report(self) -> Path:
        """The page that shows the study (HTML)."""
        return self.path / "report.html"

    @property
    def log(self) -> Path:
        """What was said while the study ran, with times (text)."""
        return self.path / "run.log"

    def clear_leftovers(self) -> None:
        """Deletes the unfinished files of a driver that was killed; call it while holding the lock."""
        for folder in (self.path, self.best.parent, *self.path.glob("checkpoints/*")):
            for leftover in leftovers(folder):
                leftover.unlink(missing_ok=True)
        for begun in self.path.glob(f"{_START}*"):
            shutil.rmtree(begun, ignore_errors=True)

    def remove(self) -> None:
        """Removes the folder and everything in it, for a run that could not start."""
        shutil.rmtree(self.path, ignore_errors=True)

    def clear(self, keep: Iterable[str] = (VOLUME_FILE,)) -> None:
        """Removes everything in the folder except these names, for a run that could not start in it."""
        with suppress(OSError):
            for found in list(self.path.iterdir()):
                if found.name in keep:
                    continue
                if found.is_dir() and not found.is_symlink():
                    shutil.rmtree(found, ignore_errors=True)
                else:
                    found.unlink()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Locks the run for this process.

        Raises:
            RunDirError: another process runs this study.
            NotWritable: the folder or the disk is not writable.
        """
        with hold_lock(self.path, self._lock, lambda: self._lock_note):
            yield

    def has_study(self) -> bool:
        """Returns whether the folder contains a study; False for a path that no file system accepts."""
        try:
            return self.store.is_file()
        except OSError:
            return False

    def is_locked(self) -> bool:
        """Returns whether a process is running this study now."""
        return is_locked(self._lock)

    @property
    def _lock(self) -> Path:
        return self.path / _LOCK

    @property
    def _lock_note(self) -> Path:
        return self.path / _LOCK_NOTE


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
    run_dir.clear(keep=_KEPT)
    hidden = RunDir(run_dir.path / f"{_START}{token_hex(4)}")
    hidden.path.mkdir()
    try:
        yield hidden
        for file in sorted(hidden.path.iterdir(), key=lambda file: file == hidden.store):
            sync_folder(run_dir.path)
            file.rename(run_dir.path / file.name)
        hidden.path.rmdir()
        sync_folder(run_dir.path)
    except NotWritable as err:
        run_dir.clear(keep=_KEPT)
        raise NotWritable(str(err).replace(str(hidden.path), str(run_dir.path))) from err
    except BaseException:
        run_dir.clear(keep=_KEPT)
        raise


def _is_empty(folder: Path) -> bool:
    """Returns whether the folder holds nothing but what a file system or a killed start leaves there."""
    names = {file.name for file in folder.iterdir()}
    begun = {name for name in names if name.startswith(_START)}
    moved = {RunDir(folder).spec.name, RunDir(folder).environment.name} if begun else set()
    return names <= begun | moved | _KEPT


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
    names = sorted(file.name for file in path.iterdir() if file.name not in _KEPT)
    return f" and is not empty: it contains {names[0]}" if names else ""


def _trial_name(number: int) -> str:
    return f"trial-{number:04d}"
