"""A worker that really fails, in its own process, when a trial reaches an epoch; studies on such workers on Ray."""

import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from cluster.events import Failed
from cluster.ray_pool import RayPool
from cluster.run_dir import RunDir
from cluster.slots import Slot
from cluster.trial import TrialState
from cluster.worker import RunningInWorker, TrialEvent, Worker, WorkerSettings
from mnist_core.context import DeviceKind
from mnist_core.dataset import Dataset
from tests.faults.studies import SETTINGS, attempts_of, run_study, trials_of, undisturbed_hashes

Kind = Literal["SIGKILL", "SIGSEGV", "SIGSTOP", "exit", "RuntimeError", "ValueError", "MemoryError", "eats memory"]
CPU_0, CPU_1 = Slot("cpu-0", "cpu"), Slot("cpu-1", "cpu")
# 4 GiB in all, more than any limit that a test sets.
CHUNK_BYTES, EATEN_CHUNKS = 64 * 2**20, 64


@dataclass(frozen=True)
class Plan:
    """What goes wrong.

    Attributes:
        kind: how.
        folder: where the workers of all processes keep count.
        trial: number of the trial that it happens to.
        epoch: after which it happens.
        times: in so many attempts.
        group: a cgroup with a memory limit: the worker that eats memory moves into it first.
    """

    kind: Kind
    folder: Path
    trial: int = 0
    epoch: int = 2
    times: int = 1
    group: Path | None = None

    def is_due(self, trial: int, epoch: int) -> bool:
        """Whether it happens now; counts that it does."""
        count = len(list(self.folder.iterdir()))
        if (trial, epoch) != (self.trial, self.epoch) or count >= self.times:
            return False
        (self.folder / str(count)).touch()
        return True

    def happens(self) -> None:
        """Never returns, or raises."""
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
            case "eats memory":
                self._eat()

    def _eat(self) -> None:
        if self.group is not None:
            (self.group / "cgroup.procs").write_text(str(os.getpid()))
        eaten = [b"\1" * CHUNK_BYTES for _ in range(EATEN_CHUNKS)]
        while eaten:  # Ray looks once in a while
            time.sleep(1.0)


class FaultyWorker(Worker):
    """Trains as a Worker does, up to the epoch of its plan."""

    def __init__(self, name: str, device: DeviceKind, dataset: Dataset, settings: WorkerSettings, plan: Plan) -> None:
        super().__init__(name, device, dataset, settings)
        self._plan = plan

    def _next_event(self, running: RunningInWorker) -> TrialEvent:
        event = super()._next_event(running)
        measured = None if isinstance(event, Failed) else event.measurement
        if measured is not None and self._plan.is_due(event.number, measured.epoch):
            self._plan.happens()
        return event


class Faults:
    """Runs studies in which a plan comes true."""

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        self.folder, self.dataset = folder, dataset

    def run(self, kind: Kind, *overrides: str, times: int = 1, slots: int = 2, group: Path | None = None) -> RunDir:
        """A study of which the first trial fails after its second epoch, so many times."""
        marks = self.folder / "marks"
        marks.mkdir()
        make_worker = partial(FaultyWorker, plan=Plan(kind, marks, times=times, group=group))
        pool = RayPool([CPU_0, CPU_1][:slots], self.dataset, SETTINGS, make_worker=make_worker)
        run_dir = run_study(self.folder / "run", pool, *overrides)
        assert len(list(marks.iterdir())) == times  # it really happened
        return run_dir

    def assert_goes_on(self, run_dir: RunDir, outcome: str, *words: str) -> None:
        """The first trial had one setback, and ended as if nothing had happened."""
        (trial, *_) = trials_of(run_dir)
        assert (trial.state, trial.attempts) == (TrialState.COMPLETE, 2), trial.error
        (ended, cause), (last, _) = attempts_of(run_dir)
        assert (ended, last) == (outcome, "complete")
        assert all(word in cause for word in words), cause
        assert [trial.weights_sha256] == undisturbed_hashes(self.folder / "undisturbed", self.dataset)
