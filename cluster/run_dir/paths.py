"""Every file name inside a run directory, and how to create and open one. Reads and writes no file contents."""

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cluster.run_dir.lock import hold_lock, is_locked
from mnist_core.atomic_file import leftovers
from mnist_core.errors import RunDirError

VOLUME_FILE = "lost+found"
"""What a mounted volume holds when it is empty."""

# `0003-lenet lr=0.06`, and `trial-0003` of earlier versions.
_TENSORBOARD_NAME = re.compile(r"\d{4,}-.|trial-\d{4,}$")
_LOCK, _LOCK_NOTE = ".lock", ".driver.json"
KEPT = frozenset({VOLUME_FILE, _LOCK, _LOCK_NOTE})
"""What stays in an empty folder while it is filled."""
START = ".mxtrials-start."
"""How the name of the folder begins in which a run is prepared that fills an empty folder."""


class RunDir:
    """The folder of one study; README, "Reading results", says what each file is."""

    def __init__(self, path: Path) -> None:
        """Only stores the path; touches no file."""
        self.path = path

    @classmethod
    def create(cls, path: Path) -> "RunDir":
        """Creates an empty run directory; `creation.create_atomically` creates one that appears with its content."""
        path.mkdir(parents=True)
        return cls(path)

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

    @property
    def progress(self) -> Path:
        """The folder in which each worker says how far it is, while the study runs."""
        return self.path / ".progress"

    def clear_leftovers(self) -> None:
        """Deletes the unfinished files of a driver that was killed; call it while holding the lock."""
        for folder in (self.path, self.best.parent, *self.path.glob("checkpoints/*")):
            for leftover in leftovers(folder):
                leftover.unlink(missing_ok=True)
        for begun in self.path.glob(f"{START}*"):
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


def _trial_name(number: int) -> str:
    return f"trial-{number:04d}"
