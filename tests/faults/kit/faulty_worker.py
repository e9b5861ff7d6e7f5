"""Workers on Ray that really fail, in their own process, when a trial reaches a planned epoch; studies on them."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from typing_extensions import override

from cluster.ray_backend.pool import RayPool
from cluster.run_dir.paths import RunDir
from cluster.trial import TrialState
from cluster.workers.events import Failed
from cluster.workers.slots import Slot
from cluster.workers.worker import TrialEvent, TrialInProgress, Worker, WorkerSettings
from mnist_core.context import DeviceKind
from mnist_core.data.dataset import Dataset
from tests.faults.kit.studies import SETTINGS, attempts_of, run_study, trials_of
from tests.support.small_group import join

Kind = Literal["SIGKILL", "SIGSEGV", "SIGSTOP", "exit", "RuntimeError", "ValueError", "MemoryError", "fill memory"]
# Twice the highest limit that a test sets.
FILL_BYTES = 8 * 2**30
CHUNK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class PlannedFault:
    """A fault that a worker causes to itself.

    Attributes:
        kind: what happens.
        trial: number of the trial that it happens to.
        epoch: the epoch after which it happens.
        times: how many attempts it happens in.
        group: a cgroup with a memory limit that all workers join.
    """

    kind: Kind
    trial: int = 0
    epoch: int = 2
    times: int = 1
    group: Path | None = None

    def is_due(self, trial: int, trained: list[int]) -> bool:
        """Whether it happens now to a trial that has trained these epochs, in all attempts together."""
        return trial == self.trial and trained[-1] == self.epoch and trained.count(self.epoch) <= self.times

    def cause(self) -> None:
        """Causes the fault: ends, stops or blocks this process, or raises."""
        match self.kind:
            case "SIGKILL" | "SIGSTOP":
                os.kill(os.getpid(), signal.Signals[self.kind])
            case "SIGSEGV":
                ctypes.string_at(0)
            case "exit":
                sys.exit(3)
            case "RuntimeError":
                raise RuntimeError("on demand")
            case "ValueError":
                raise ValueError("on demand")
            case "MemoryError":
                raise MemoryError("on demand")
            case "fill memory":
                self._fill_memory()

    def _fill_memory(self) -> None:
        chunks = [b"\1" * CHUNK_BYTES for _ in range(FILL_BYTES // CHUNK_BYTES)]
        while chunks:  # until Ray's memory monitor runs again
            time.sleep(1.0)


class FaultyWorker(Worker):
    """A Worker that causes planned faults, and logs each epoch that it trains in a folder."""

    def __init__(
        self,
        name: str,
        device: DeviceKind,
        dataset: Dataset,
        settings: WorkerSettings,
        *,
        folder: Path,
        faults: Sequence[PlannedFault] = (),
    ) -> None:
        super().__init__(name, device, dataset, settings)
        self._folder = folder
        self._faults = faults
        for group in {fault.group for fault in faults if fault.group}:
            join(group)

    @override
    def _train_epoch(self, running: TrialInProgress) -> TrialEvent:
        event = super()._train_epoch(running)
        if not isinstance(event, Failed) and event.measurement is not None:
            with _epoch_log(self._folder, event.number).open("a") as log:
                print(event.measurement.epoch, file=log)
            trained = trained_epochs(self._folder, event.number)
            for fault in self._faults:
                if fault.is_due(event.number, trained):
                    fault.cause()
        return event


def trained_epochs(folder: Path, number: int = 0) -> list[int]:
    """The epochs of a trial that workers trained, in all attempts together."""
    return [int(epoch) for epoch in _epoch_log(folder, number).read_text().split()]


def _epoch_log(folder: Path, number: int) -> Path:
    return folder / f"trained-{number}"


def run_faulty_study(
    folder: Path, dataset: Dataset, faults: Sequence[PlannedFault], *overrides: str, slots: int = 2
) -> RunDir:
    """Runs a study on faulty workers on Ray, and checks that each fault happened."""
    make_worker = partial(FaultyWorker, folder=folder, faults=faults)
    pool = RayPool([Slot(f"cpu-{index}", "cpu") for index in range(slots)], dataset, SETTINGS, make_worker=make_worker)
    run_dir = run_study(folder / "run", pool, *overrides)
    for fault in faults:
        assert trained_epochs(folder, fault.trial).count(fault.epoch) >= fault.times
    return run_dir


def assert_resumed(run_dir: RunDir, number: int, undisturbed: str | None, outcome: str, *words: str) -> None:
    """Checks that a trial failed once, resumed, and has the final weights of an undisturbed one.

    Args:
        run_dir: the study's, in the folder of its epoch logs.
        number: the trial's.
        undisturbed: SHA-256 of the weights that it would have had without a fault.
        outcome: of the first attempt.
        words: that the first attempt's error contains.
    """
    trial = trials_of(run_dir)[number]
    assert (trial.state, trial.attempts) == (TrialState.COMPLETE, 2), trial.error
    (first, error), (last, _) = attempts_of(run_dir, number)
    assert (first, last) == (outcome, "complete")
    assert all(word in error for word in words), error
    assert trial.weights_sha256 == undisturbed
    # The state after the second epoch was never sent, so the trial resumes after the first.
    assert (trained := trained_epochs(run_dir.path.parent, number)) == [1, 2, 2, 3], trained
