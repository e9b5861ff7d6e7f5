"""Keeps training states in the run directory: the newest good ones of a trial, and none of what is done with."""

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
    """The packed training states of a study's trials."""

    def __init__(self, run_dir: RunDir, warn: Callable[[str], None] | None = None) -> None:
        """Nothing is touched before the first state; `warn` is told of each that is damaged, in a sentence."""
        self._run_dir, self._warn = run_dir, warn or (lambda sentence: None)
        self._grown: set[int] = set()
        self._discarded: set[int] = set()

    def save(self, number: int, epoch: int, state: bytes) -> None:
        """Keeps a trial's state after an epoch, and the one before it in case this one is damaged.

        The others go with the next `sweep`: until the store knows of this epoch, they are what the trial goes on from.

        Raises:
            NotWritable: the folder or the disk refuses.
        """
        make_folder(self._run_dir.trial_checkpoints(number))
        write_atomically(self._run_dir.checkpoint(number, epoch), state)
        self._grown.add(number)

    def newest(self, number: int, at_most: float = math.inf) -> bytes | None:
        """A trial's newest state that is whole, to go on from, or None.

        Newer ones are deleted, so that they never stand in the way of those that will be saved.

        Args:
            number: the trial's.
            at_most: epochs that the store knows. A driver that is killed between the two may leave a state of an epoch
                that was never recorded: it is passed over, as a damaged one is.
        """
        for path in self._newest_first(number):
            state, data = self._read(path)
            if state is not None and state.epoch <= at_most:
                return data
            path.unlink(missing_ok=True)
        return None

    def final(self, number: int, sha256: str | None) -> TrainingState:
        """The state that a complete trial ended with, told by the SHA-256 of its weights.

        Raises:
            CheckpointError: it is not kept, or damaged.
        """
        for path in self._newest_first(number):
            state, _ = self._read(path)
            if state is not None and weights_sha256(state.weights) == sha256:
                return state
        folder = self._run_dir.trial_checkpoints(number)
        raise CheckpointError(f"{folder} no longer holds the final weights of its trial: restore it from a copy")

    def _newest_first(self, number: int) -> list[Path]:
        return sorted(self._run_dir.trial_checkpoints(number).glob("*.state"), reverse=True)

    def _read(self, path: Path) -> tuple[TrainingState | None, bytes]:
        """A state and its bytes; None for one that is damaged, which one that cannot be read now may not be."""
        data = path.read_bytes()
        try:
            return unpack(data), data
        except CheckpointError as err:
            self._warn(f"{path} is passed over for an earlier state, if there is one: {err}")
            return None, b""

    def keep(self, number: int) -> None:
        """Keeps the last states of a trial that is done: the others go with the next `sweep`."""
        self._grown.add(number)

    def discard(self, number: int) -> None:
        """Forgets a trial's states; their files go with the next `sweep`."""
        self._discarded.add(number)

    def sweep(self) -> None:
        """Deletes what was discarded, and states that newer ones replace, now that the store no longer needs them."""
        while self._discarded:
            shutil.rmtree(self._run_dir.trial_checkpoints(self._discarded.pop()), ignore_errors=True)
        while self._grown:
            for old in self._newest_first(self._grown.pop())[KEPT:]:
                old.unlink(missing_ok=True)
