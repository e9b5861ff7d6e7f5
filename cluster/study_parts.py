"""What a driver works with, put together by whoever runs a study."""

from dataclasses import dataclass

from cluster.checkpoints import Checkpoints
from cluster.observer import StudyObserver
from cluster.pool import WorkerPool
from cluster.search import Search
from cluster.store import Store


@dataclass(frozen=True)
class StudyParts:
    """The parts of one study; none knows of another."""

    store: Store
    search: Search
    pool: WorkerPool
    checkpoints: Checkpoints
    observer: StudyObserver
