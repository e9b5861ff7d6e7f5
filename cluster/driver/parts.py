"""What a driver works with, put together by whoever runs a study."""

from dataclasses import dataclass

from cluster.driver.observer import StudyObserver
from cluster.run_dir.checkpoints import Checkpoints
from cluster.search.search import Search
from cluster.store.store import Store
from cluster.workers.pool import WorkerPool


@dataclass(frozen=True)
class StudyParts:
    """The parts of one study; none knows of another."""

    store: Store
    search: Search
    pool: WorkerPool
    checkpoints: Checkpoints
    observer: StudyObserver
