"""Where trials run: in this process, on an existing Ray cluster, or on one started for the study."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.machine.memory import WORKER_BYTES, read_memory
from cluster.machine.processor import read_cores
from cluster.spec.study_spec import StudySpec
from cluster.workers.pool import WorkerPool
from cluster.workers.worker import WorkerSettings
from mnist_core.data.dataset import Dataset
from mnist_core.errors import ClusterUnavailable


@dataclass(frozen=True)
class Backend:
    """Where to run: `local`, in this process; else on the Ray cluster at `address`, or on one started for the study."""

    local: bool = False
    address: str | None = None


@contextmanager
def open_pool(
    spec: StudySpec, dataset: Dataset, backend: Backend, progress: Path | None = None
) -> Iterator[WorkerPool]:
    """Opens a pool of the workers that a study asks for, but never more workers than trials.

    Args:
        spec: of the study.
        dataset: the data that the workers train on.
        backend: where they run.
        progress: the folder in which they say how far they are within an epoch; None for nowhere.

    Raises:
        EnvironmentProblem: they cannot be started.
    """
    folder = None if progress is None else str(progress)
    settings = WorkerSettings(spec.data.holdout, spec.seed, spec.limits.checkpoint_every_s, folder)
    with ExitStack() as stack:
        pool: WorkerPool
        if backend.local:
            from cluster.workers.inline_pool import InlinePool

            pool = InlinePool(dataset, settings)
        else:
            from cluster.ray_backend.session import cluster_size, ray_session

            stack.enter_context(ray_session(backend.address, None if backend.address else _wanted_cpus(spec)))
            from cluster.ray_backend.pool import RayPool
            from cluster.workers.slots import slots_for

            pool = RayPool(slots_for(spec.workers, *cluster_size(), spec.trials), dataset, settings)
        stack.callback(pool.close)
        yield pool


def _wanted_cpus(spec: StudySpec) -> int:
    """Returns how many CPUs a cluster started for the study offers: one per worker, or one per core.

    Ray would count a part of a core as none, and no worker would start.

    Raises:
        ClusterUnavailable: the workers do not fit into this machine's memory.
    """
    workers = spec.workers
    if workers.cpu == "auto":
        return max(1, int(read_cores().usable))
    wanted = min(spec.trials, workers.cpu + (workers.gpu if workers.gpu != "auto" else 0))
    fitting = read_memory().available // WORKER_BYTES
    if wanted > max(1, fitting):
        raise ClusterUnavailable(
            f"{wanted} workers take at least {wanted * WORKER_BYTES / 1e9:.1f} GB, but this machine has room for "
            f"{fitting}: ask for fewer (workers.cpu), or join a cluster with --address"
        )
    return wanted
