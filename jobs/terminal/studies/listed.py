"""Lists the studies in a folder, each in a few words."""

from dataclasses import dataclass
from pathlib import Path

from cluster.results.summary import StudySummary, read_summary
from cluster.run_dir.found import changed_at, find_runs
from cluster.run_dir.paths import RunDir
from mnist_core.errors import MxtrialsError, RunDirError


@dataclass(frozen=True)
class ListedStudy:
    """A study in a folder.

    Attributes:
        path: its run directory.
        summary: None if it cannot be read.
        error: why not, in one sentence.
        changed_at: when one of its files changed last, as Unix time in seconds.
        size_bytes: how much its files take on the disk.
    """

    path: Path
    summary: StudySummary | None
    error: str | None
    changed_at: float
    size_bytes: int

    @property
    def finished(self) -> int:
        """The number of trials that have ended."""
        return sum(trial.state.is_finished() for trial in self.summary.trials) if self.summary else 0

    def as_json(self) -> dict[str, object]:
        """Returns the document that `list --json` prints for it."""
        summary, best = self.summary, self.summary and self.summary.best
        return {
            "path": str(self.path),
            "name": summary and summary.spec.name,
            "state": summary and summary.state,
            "objective": summary and summary.spec.search.objective,
            "finished": summary and self.finished,
            "trials": summary and summary.spec.trials,
            "best": best and {"number": best.number, "model": best.model, "value": best.value},
            "changed_at": self.changed_at,
            "size_bytes": self.size_bytes,
            "error": self.error,
        }


def read_studies(folder: Path) -> list[ListedStudy]:
    """Reads the studies directly in a folder, the one that changed last first; one that is damaged is listed as such.

    Raises:
        RunDirError: there is no such folder.
    """
    if not folder.is_dir():
        raise RunDirError(f"there is no folder {folder}: name one with run directories")
    return [_read(run_dir) for run_dir in find_runs(folder)]


def _read(run_dir: RunDir) -> ListedStudy:
    summary, error = None, None
    try:
        summary = read_summary(run_dir)
    except MxtrialsError as err:
        error = str(err)
    return ListedStudy(run_dir.path, summary, error, changed_at(run_dir), _size_bytes(run_dir.path))


def _size_bytes(folder: Path) -> int:
    return sum(_blocks(path) * 512 for path in folder.rglob("*"))


def _blocks(path: Path) -> int:
    try:
        return path.lstat().st_blocks
    except OSError:  # it was deleted meanwhile
        return 0
