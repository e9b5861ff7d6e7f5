"""Every file name inside a run directory, and who may use it: one driver at a time. Reads and writes no content."""

import errno
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from filelock import FileLock, Timeout

from mnist_core.atomic_file import leftovers, sync_folder
from mnist_core.errors import NotWritable, RunDirError

# How long `locked` tries: whoever looks whether a run is driven holds its lock file for an instant.
LOCK_PATIENCE_S = 1.0


class RunDir:
    """The folder of one study; see README, "Reading results", for what each file is."""

    def __init__(self, path: Path) -> None:
        """Names the folder; nothing is touched."""
        self.path = path

    @classmethod
    def create(cls, path: Path) -> "RunDir":
        """Makes a new run directory.

        Raises:
            RunDirError: something is there already.
            NotWritable: the folder cannot be made.
        """
        with _translate_write_errors(path):
            path.mkdir(parents=True)
        return cls(path)

    @classmethod
    @contextmanager
    def create_atomically(cls, path: Path) -> Iterator["RunDir"]:
        """A new run directory that is there when the block ends, with all that was put into it, or not at all.

        Until then it has another name beside that place, which a process that is killed leaves behind.

        Raises:
            RunDirError: something is there already.
            NotWritable: the folder cannot be made.
        """
        check_path_is_free(path)
        hidden = path.with_name(f".{path.name}.{token_hex(4)}")
        with _translate_write_errors(path):
            missing = [folder for folder in path.parents if not folder.exists()]
            hidden.mkdir(parents=True)
        begun = cls(hidden)
        try:
            yield begun
            with _translate_write_errors(path):
                hidden.rename(path)
                begun = cls(path)
                for folder in (path, *missing):
                    sync_folder(folder.parent)
        except NotWritable as err:
            begun.remove()
            raise NotWritable(str(err).replace(str(hidden), str(path))) from err
        except BaseException:
            begun.remove()
            raise

    @classmethod
    def open(cls, path: Path) -> "RunDir":
        """Opens a run directory.

        Raises:
            RunDirError: there is none, or it holds no study.
        """
        run_dir = cls(path)
        try:
            if not path.is_dir():
                raise RunDirError(f"{path} is not a run directory: there is no such folder")
            if not run_dir.store.is_file():
                raise RunDirError(f"{path} is not a run directory: it has no {run_dir.store.name}")
        except OSError as err:
            raise RunDirError(f"{path} cannot be looked into ({err.strerror}): give a folder that can") from err
        return run_dir

    @property
    def spec(self) -> Path:
        """The study spec as resolved (YAML)."""
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
        """What `tensorboard --logdir` is given."""
        return self.path / "tensorboard"

    def trial_tensorboard(self, number: int) -> Path:
        """The event files of one trial."""
        return self.tensorboard / _trial_name(number)

    @property
    def study_tensorboard(self) -> Path:
        """The event files of what belongs to no trial."""
        return self.tensorboard / "study"

    def trial_checkpoints(self, number: int) -> Path:
        """The training states of one trial."""
        return self.path / "checkpoints" / _trial_name(number)

    def checkpoint(self, number: int, epoch: int) -> Path:
        """The training state of a trial after an epoch; names sort by epoch."""
        return self.trial_checkpoints(number) / f"epoch-{epoch:05d}.state"

    @property
    def best(self) -> Path:
        """Prefix of the best model's files, as `mx.mod.Module.load` takes it."""
        return self.path / "best" / "model"

    @property
    def results(self) -> Path:
        """One row a trial (Parquet)."""
        return self.path / "results.parquet"

    @property
    def metrics(self) -> Path:
        """One row an epoch of a trial (Parquet)."""
        return self.path / "metrics.parquet"

    def clear_leftovers(self) -> None:
        """Deletes what a driver was writing when it was killed; for its successor, who holds the run."""
        for folder in (self.path, self.best.parent, *self.path.glob("checkpoints/*")):
            for leftover in leftovers(folder):
                leftover.unlink(missing_ok=True)

    def remove(self) -> None:
        """Removes the folder with all that is in it: for a run that could not begin."""
        shutil.rmtree(self.path, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the run for this process; the kernel lets go of it however the process ends.

        Raises:
            RunDirError: another process drives this run.
            NotWritable: the folder or the disk refuses.
        """
        lock = FileLock(self._lock)
        try:
            lock.acquire(timeout=LOCK_PATIENCE_S)
            self._lock_note.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        except Timeout as err:
            raise RunDirError(f"{self.path} is in use by {self._lock_owner()}: wait for it, or stop it") from err
        except (OSError, NotImplementedError) as err:  # NotImplementedError: a file system without locks
            reason = getattr(err, "strerror", None) or err
            raise NotWritable(
                f"{self.path} cannot be written ({reason}): make room there, allow it, or copy the run"
            ) from err
        try:
            yield
        finally:
            with suppress(OSError):  # on a disk that has become read-only
                self._lock_note.unlink(missing_ok=True)
            lock.release()

    def is_locked(self) -> bool:
        """Whether a process drives this run now; needs no permission to write, and many may ask at once."""
        try:
            with self._lock.open("rb") as lock_file:
                fcntl.flock(lock_file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False  # what has no lock file is driven by nobody
        return False

    @property
    def _lock(self) -> Path:
        return self.path / ".lock"

    @property
    def _lock_note(self) -> Path:
        return self.path / ".driver.json"

    def _lock_owner(self) -> str:
        try:
            note = json.loads(self._lock_note.read_text())
            return f"process {note['pid']} on {note['host']}"
        except (OSError, ValueError, KeyError):
            return "another process"


def check_path_is_free(path: Path) -> None:
    """Looks at the place of a new run directory.

    Raises:
        RunDirError: something is there already.
        NotWritable: the place cannot be looked at.
    """
    with _translate_write_errors(path):
        if path.exists() or path.is_symlink():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


@contextmanager
def _translate_write_errors(path: Path) -> Iterator[None]:
    """Why a new run directory cannot be made, as errors of ours."""
    try:
        yield
    except OSError as err:
        if err.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise NotWritable(f"{path} cannot be made ({err.strerror}): choose another --out") from err
        go_on = f", or go on with it by `mxtrials resume {path}`" if RunDir(path).store.is_file() else ""
        raise RunDirError(f"{path} exists already: choose another --out{go_on}") from err


def _trial_name(number: int) -> str:
    return f"trial-{number:04d}"
