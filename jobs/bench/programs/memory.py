"""What workers on one node cost in memory.

Run as `python -m jobs.bench.programs.memory mxtrials|bare N`; starts Ray with N workers, lets each work once, and
prints how much memory all processes use together, see Footprint.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TypeVar

from cluster.trial import TrialSpec
from cluster.workers.events import Measured, Ready
from cluster.workers.pool import WorkerPool
from cluster.workers.worker import WorkerSettings
from jobs.bench.processes import mapped_files, process_tree, proportional_mib, resident_mib
from mnist_core.config import MlpConfig, TrainingConfig
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.dataset import Dataset

_OBJECT_STORE = "plasma"
_Event = TypeVar("_Event", Ready, Measured)


@dataclass(frozen=True)
class Footprint:
    """Memory in MiB of all of a program's processes together.

    Attributes:
        total: the sum of their proportional set sizes: each page of memory counts once.
        images: the size of the dataset's arrays.
        store_total: the part of `total` that is in Ray's object store.
        store_mapped: for each worker, the pages of the object store that it has mapped, each counted in full.
        store_files: number of different files of the object store that the workers have mapped.
    """

    total: float
    images: float = 0.0
    store_total: float = 0.0
    store_mapped: tuple[float, ...] = ()
    store_files: int = 0


def measure_mxtrials(count: int) -> Footprint:
    """Measures the workers of a study, after each has trained an epoch of the tutorials' MLP on all of MNIST."""
    dataset = open_dataset(cache_dir=default_cache_dir())
    with _open_pool(count, dataset) as pool:
        pids = [_wait_for(pool, Ready).pid for _ in range(count)]
        for worker in range(count):
            training = TrainingConfig(epochs=2, batch_size=100)
            pool.start(f"cpu-{worker}", TrialSpec(worker, MlpConfig(), training, seed=worker))
        for _ in range(count):
            _wait_for(pool, Measured)
        processes = process_tree(os.getpid())
        return Footprint(
            sum(map(proportional_mib, processes)),
            sum(part.images.nbytes + part.labels.nbytes for part in (dataset.train, dataset.test)) / 2**20,
            sum(proportional_mib(pid, _OBJECT_STORE) for pid in processes),
            tuple(resident_mib(pid, _OBJECT_STORE) for pid in pids),
            len(set().union(*(mapped_files(pid, _OBJECT_STORE) for pid in pids))),
        )


def measure_bare_actors(count: int) -> Footprint:
    """Measures plain Ray actors that have only imported MXNet."""
    command = [sys.executable, "-m", "jobs.bench.peers.bare_actors", str(count), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdout.readline()
        footprint = Footprint(sum(map(proportional_mib, process_tree(running.pid))))
        running.stdin.close()
    return footprint


@contextmanager
def _open_pool(count: int, dataset: Dataset) -> Iterator[WorkerPool]:
    from cluster.ray_backend.session import ray_session

    with ray_session(None, count):
        from cluster.ray_backend.pool import RayPool
        from cluster.workers.slots import Slot

        slots = [Slot(f"cpu-{number}", "cpu") for number in range(count)]
        pool = RayPool(slots, dataset, WorkerSettings(holdout=10_000, seed=0))
        try:
            yield pool
        finally:
            pool.close()


def _wait_for(pool: WorkerPool, kind: type[_Event]) -> _Event:
    while (event := pool.next_event(1.0)) is None:
        pass
    if not isinstance(event, kind):
        raise RuntimeError(f"expected {kind.__name__}, got {event}")
    return event


KINDS: dict[str, Callable[[int], Footprint]] = {"mxtrials": measure_mxtrials, "bare": measure_bare_actors}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(KINDS[sys.argv[1]](int(sys.argv[2])))))
