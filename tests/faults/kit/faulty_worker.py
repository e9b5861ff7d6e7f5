"""A worker that really fails, in its own process, when a trial reaches an epoch; studies on such workers on Ray."""

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

Kind = Literal["SIGKILL", "SIGSEGV", "SIGSTOP", "exit", "RuntimeError", "ValueError", "MemoryError", "eats memory"]
# What it eats in all, twice any limit that a test sets, in pieces.
EATEN_BYTES, CHUNK_BYTES = 8 * 2**30, 64 * 2**20


@dataclass(frozen=True)
class Plan:
    """What goes wrong.

    Attributes:
        kind: how.
        trial: number of the trial that it happens to.
        epoch: after which it happens.
        times: in so many attempts.
        group: a cgroup with a memory limit, in which the workers live.
    """

    kind: Kind
    trial: int = 0
    epoch: int = 2
    times: int = 1
    group: Path | None = None

    def is_due(self, trial: int, trained: list[int]) -> bool:
        """Whether it happens to a trial of which these epochs were trained, in all attempts together."""
        return trial == self.trial and trained[-1] == self.epoch and trained.count(self.epoch) <= self.times

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
        eaten = [b"\1" * CHUNK_BYTES for _ in range(EATEN_BYTES // CHUNK_BYTES)]
        while eaten:  # Ray looks once in a while
            time.sleep(1.0)


class FaultyWorker(Worker):
    """Trains as a Worker does, up to the epoch of a plan, and keeps account in a folder of each epoch it trains."""

    def __init__(
        self,
        name: str,
        device: DeviceKind,
        dataset: Dataset,
        settings: WorkerSettings,
        *,
        folder: Path,
        plans: Sequence[Plan] = (),
    ) -> None:
        super().__init__(name, device, dataset, settings)
        self._folder, self._plans = folder, plans
        for group in {plan.group for plan in plans if plan.group}:
            join(group)

    def _train_epoch(self, running: TrialInProgress) -> TrialEvent:
        event = super()._train_epoch(running)
        if not isinstance(event, Failed) and event.measurement is not None:
            with _account(self._folder, event.number).open("a") as account:
                print(event.measurement.epoch, file=account)
            trained = trained_epochs(self._folder, event.number)
            for plan in self._plans:
                if plan.is_due(event.number, trained):
                    plan.happens()
        return event


def trained_epochs(folder: Path, number: int = 0) -> list[int]:
    """The epochs of a trial that workers trained, in all attempts together."""
    return [int(epoch) for epoch in _account(folder, number).read_text().split()]


def _account(folder: Path, number: int) -> Path:
    return folder / f"trained-{number}"


def faulty_study(folder: Path, dataset: Dataset, plans: Sequence[Plan], *overrides: str, slots: int = 2) -> RunDir:
    """A study on workers on Ray to which all that happens, which is made sure of."""
    make_worker = partial(FaultyWorker, folder=folder, plans=plans)
    pool = RayPool([Slot(f"cpu-{index}", "cpu") for index in range(slots)], dataset, SETTINGS, make_worker=make_worker)
    run_dir = run_study(folder / "run", pool, *overrides)
    for plan in plans:
        assert trained_epochs(folder, plan.trial).count(plan.epoch) >= plan.times
    return run_dir


def assert_goes_on(run_dir: RunDir, number: int, undisturbed: str | None, outcome: str, *words: str) -> None:
    """The trial had one setback, of this kind and with these words, and ended as if nothing had happened."""
    trial = trials_of(run_dir)[number]
    assert (trial.state, trial.attempts) == (TrialState.COMPLETE, 2), trial.error
    (ended, cause), (last, _) = attempts_of(run_dir, number)
    assert (ended, last) == (outcome, "complete")
    assert all(word in cause for word in words), cause
    assert trial.weights_sha256 == undisturbed
    # The state after the second epoch was never sent: the trial goes on from that after the first.
    assert (trained := trained_epochs(run_dir.path.parent, number)) == [1, 2, 2, 3], trained
