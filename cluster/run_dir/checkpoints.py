"""Saves checkpoints (packed training states) in the run directory, and loads the newest intact one of a trial."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

from cluster.run_dir.paths import RunDir
from mnist_core.atomic_file import make_folder, write_atomically
from mnist_core.errors import CheckpointError
from mnist_core.model.parameters import weights_sha256
from mnist_core.training.state import TrainingState, unpack

KEPT = 2


class Checkpoints:
    """The checkpoints of a study's trials."""

    def __init__(self, run_dir: RunDir, warn: Callable[[str], None] | None = None) -> None:
        """Touches no file yet; `warn` receives a sentence about each damaged checkpoint."""
        self._run_dir = run_dir
        self._warn = warn or (lambda message: None)
        self._changed: set[int] = set()
        self._discarded: set[int] = set()

    def save(self, number: int, epoch: int, state: bytes) -> None:
        """Saves a trial's packed state after an epoch; keeps the previous one in case this one is damaged.

        The next `sweep` deletes older ones, from which the trial resumes until the store has recorded this epoch.

        Raises:
            NotWritable: the folder or the disk is not writable.
        """
        make_folder(self._run_dir.trial_checkpoints(number))
        write_atomically(self._run_dir.checkpoint(number, epoch), state)
        self._changed.add(number)

    def load_newest(self, number: int, at_most: float = math.inf) -> bytes | None:
        """Returns a trial's newest intact packed state, to resume from; None if there is none.

        Deletes newer checkpoints, so that they never hide those still to be saved.

        Args:
            number: the trial's number.
            at_most: the last epoch in the store. A driver that is killed before its commit may leave the checkpoint of
                an epoch that was never recorded, which is skipped like a damaged one.
        """
        for path in self._newest_first(number):
            state, data = self._read(path)
            if state is not None and state.epoch <= at_most:
                return data
            path.unlink(missing_ok=True)
        return None

    def load_final(self, number: int, sha256: str | None) -> TrainingState:
        """Returns a complete trial's final state, identified by the SHA-256 of its weights.

        Raises:
            CheckpointError: it was not kept, or is damaged.
        """
        for path in self._newest_first(number):
            state, _ = self._read(path)
            if state is not None and weights_sha256(state.weights) == sha256:
                return state
        folder = self._run_dir.trial_checkpoints(number)
        raise CheckpointError(f"{folder} no longer contains the final weights of its trial: restore it from a copy")

    def _newest_first(self, number: int) -> list[Path]:
        return sorted(self._run_dir.trial_checkpoints(number).glob("*.state"), reverse=True)

    def _read(self, path: Path) -> tuple[TrainingState | None, bytes]:
        """Reads a checkpoint as a state and as bytes; the state is None if damaged. Raises OSError if unreadable."""
        data = path.read_bytes()
        try:
            return unpack(data), data
        except CheckpointError as err:
            self._warn(f"{path} is damaged; using the previous checkpoint, if any: {err}")
            return None, b""

    def keep(self, number: int) -> None:
        """Keeps only the last checkpoints of a finished trial; the next `sweep` deletes the others."""
        self._changed.add(number)

    def discard(self, number: int) -> None:
        """Discards a trial's checkpoints; the next `sweep` deletes their files."""
        self._discarded.add(number)

    def sweep(self) -> None:
        """Deletes discarded and superseded checkpoints; call it after the store has committed."""
        while self._discarded:
            shutil.rmtree(self._run_dir.trial_checkpoints(self._discarded.pop()), ignore_errors=True)
        while self._changed:
            for old in self._newest_first(self._changed.pop())[KEPT:]:
                old.unlink(missing_ok=True)
