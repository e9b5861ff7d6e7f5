"""How far each worker is within an epoch: a small file a worker, which anyone with the disk can read.

Measurements travel once an epoch; what is in between is only for people who watch, so it must never cost or stop
training. A worker overwrites its file at most four times a second. If it cannot, nobody sees its batches.
"""

import os
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

EVERY_S = 0.25
_FORMAT = struct.Struct("<qqqqd")


@dataclass(frozen=True)
class BatchProgress:
    """How far a worker is.

    Attributes:
        number: the trial that it trains.
        epoch: the epoch in training, 1 for the first.
        done: images of it that were trained on.
        images: images of the whole epoch.
        seconds: since the epoch started.
    """

    number: int
    epoch: int
    done: int
    images: int
    seconds: float

    @property
    def share(self) -> float:
        """How much of the epoch is done, in [0, 1]."""
        return min(1.0, self.done / self.images)

    @property
    def images_per_s(self) -> float | None:
        """The speed in this epoch; None before the first images."""
        return self.done / self.seconds if self.seconds > 0 and self.done > 0 else None


class BatchReporter:
    """Writes a worker's file; a folder that does not exist on this machine, or cannot be written, gets none."""

    def __init__(self, folder: str | None, worker: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Creates the file. folder: None for no reports."""
        self._file: int | None = None
        self._clock = clock
        self._epoch = (-1, 0)
        self._started_s = self._due_s = 0.0
        if folder is not None:
            with suppress(OSError):
                self._file = os.open(Path(folder) / worker, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def __del__(self) -> None:
        if self._file is not None:
            os.close(self._file)

    def for_trial(self, number: int) -> Callable[[int, int, int], None] | None:
        """Returns what to call after each batch of a trial: see `mnist_core.training.trainer.OnBatch`."""
        if self._file is None:
            return None
        return lambda epoch, done, images: self._report(number, epoch, done, images)

    def _report(self, number: int, epoch: int, done: int, images: int) -> None:
        now_s = self._clock()
        if self._epoch != (number, epoch):
            self._epoch, self._started_s, self._due_s = (number, epoch), now_s, now_s
        if now_s < self._due_s or self._file is None:
            return
        self._due_s = now_s + EVERY_S
        try:
            os.pwrite(self._file, _FORMAT.pack(number, epoch, done, images, now_s - self._started_s), 0)
        except OSError:  # a full disk, or one that has become read-only
            os.close(self._file)
            self._file = None


def read_progress(folder: Path, worker: str) -> BatchProgress | None:
    """Returns how far a worker is; None if its file is not there or not readable."""
    try:
        content = (folder / worker).read_bytes()
        progress = BatchProgress(*_FORMAT.unpack(content))
    except (OSError, struct.error):
        return None
    return progress if 0 <= progress.done <= progress.images > 0 else None
