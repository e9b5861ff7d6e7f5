"""A trial is a pure function of its spec and the data: the SHA-256 of its final weights is always the same.

The trials cover each network with each optimizer on CPUs. tests/jobs/study/test_reproduce.py covers processors with
narrower vectors, on which oneDNN computes other weights.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typing_extensions import override

from cluster.driver.driver import Driver
from cluster.driver.parts import StudyParts
from cluster.ray_backend.session import ray_session
from cluster.run_dir.checkpoints import Checkpoints
from cluster.run_dir.paths import RunDir
from cluster.search.search import Search
from cluster.spec.spec_file import load_spec
from cluster.store.store import Store
from cluster.trial import TrialState
from cluster.workers.events import Finished, Measured, WorkerEvent
from cluster.workers.inline_pool import InlinePool
from jobs.bench.ready_together import ReadyTogether
from mnist_core.data.dataset import Dataset
from tests.cluster.worn_worker import NINE
from tests.faults.kit.studies import SETTINGS, SPEC, run_study, trials_of, undisturbed_hashes
from tests.support.command_line import ROOT

EPOCHS = 9 * 6
# How much a worker process may grow while it trains many trials: resident MiB and Python objects.
MAX_GROWTH_MIB, MAX_GROWTH_OBJECTS = 16.0, 100


@pytest.fixture(scope="module")
def expected(small_dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> list[str | None]:
    """The final weights of the nine, trained one after the other in this process."""
    return undisturbed_hashes(tmp_path_factory.mktemp("expected") / "run", small_dataset, *NINE)


def test_nine_trials_give_nine_different_networks(expected: list[str | None]) -> None:
    assert len({*expected, None}) == 10


@pytest.fixture(scope="module")
def four_cpus() -> Iterator[None]:
    """Ray on this machine, declared to have four CPUs."""
    with ray_session(None, 4):
        yield


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_weights_do_not_depend_on_the_number_of_workers_on_ray(
    workers: int, four_cpus: None, small_dataset: Dataset, expected: list[str | None], tmp_path: Path
) -> None:
    run_dir = run_study(tmp_path / "run", ReadyTogether(workers, small_dataset, SETTINGS), *NINE)
    trials = trials_of(run_dir)
    assert len({trial.worker for trial in trials}) == workers
    assert [trial.weights_sha256 for trial in trials] == expected


class Killed(BaseException):
    """Stands in for a kill of the driver."""


class InterruptedPool(InlinePool):
    """Kills its driver before it gets an epoch, or asks it to stop after that epoch."""

    def __init__(self, dataset: Dataset, due: dict[tuple[int, int], bool]) -> None:
        """due: by trial and epoch, whether to kill the driver (else it is asked to stop); each happens once."""
        super().__init__(dataset, SETTINGS)
        self._due = due
        self.driver: Driver | None = None
        self.trained = 0

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        event = super().next_event(timeout_s)
        self.trained += isinstance(event, Measured | Finished)
        if isinstance(event, Measured):
            kills = self._due.pop((event.number, event.measurement.epoch), None)
            if kills:
                raise Killed
            if kills is not None and self.driver is not None:
                self.driver.request_stop("interrupted")
        return event


def train_with_interruptions(run_dir: RunDir, dataset: Dataset, due: dict[tuple[int, int], bool]) -> int:
    """Runs one driver after another on a run directory; returns how many epochs were trained."""
    spec = load_spec(SPEC, NINE)
    trained = 0
    Store.create(run_dir.store, spec.name).close()
    for _ in range(len(due) + 1):
        pool = InterruptedPool(dataset, due)
        with closing(Store.open(run_dir.store)) as store:
            parts = StudyParts(store, Search(spec), pool, Checkpoints(run_dir))
            pool.driver = Driver(spec, parts)
            with suppress(Killed):
                pool.driver.run()
        trained += pool.trained
    return trained


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("interruptions", [1, 5])
def test_weights_do_not_depend_on_interruptions_at_arbitrary_epochs(
    interruptions: int, seed: int, small_dataset: Dataset, expected: list[str | None], tmp_path: Path
) -> None:
    random = Random(seed)
    epochs = [(number, epoch) for number in range(9) for epoch in random.sample(range(1, 6), interruptions)]
    due = {each: (place + seed) % 2 == 0 for place, each in enumerate(epochs)}
    kills = sum(due.values())
    run_dir = RunDir.create(tmp_path / "run")
    trained = train_with_interruptions(run_dir, small_dataset, due)
    trials = trials_of(run_dir)
    assert due == {}
    assert [(trial.state, trial.epochs) for trial in trials] == [(TrialState.COMPLETE, 6)] * 9
    assert [trial.attempts for trial in trials] == [interruptions + 1] * 9
    assert [trial.weights_sha256 for trial in trials] == expected
    # Each trial resumes from its last checkpoint: a kill loses the epoch in progress, a stop loses nothing.
    assert trained == EPOCHS + kills


@pytest.fixture(scope="module")
def worn(small_idx_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What tests/cluster/worn_worker.py prints about a worker in a separate process."""
    command = [sys.executable, "-m", "tests.cluster.worn_worker", str(small_idx_folder)]
    done = subprocess.run(
        [*command, str(tmp_path_factory.mktemp("cache"))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("worker", ["fresh", "worn"])
def test_weights_do_not_depend_on_what_the_worker_trained_before(
    worker: str, worn: dict[str, Any], expected: list[str | None]
) -> None:
    assert worn[worker] == expected


def test_trials_leave_nothing_behind_in_their_worker_process(worn: dict[str, Any]) -> None:
    before, after = worn["before"], worn["after"]
    assert after.pop("resident_mib") <= before.pop("resident_mib") + MAX_GROWTH_MIB
    assert after.pop("objects") <= before.pop("objects") + MAX_GROWTH_OBJECTS
    assert after == before
