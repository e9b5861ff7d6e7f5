"""The store, search, pool, checkpoints and observers that a driver works with, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cluster.driver.observer import StudyEvent, StudyObserver
from cluster.run_dir.checkpoints import Checkpoints
from cluster.search.search import Search
from cluster.store.store import Store
from cluster.time_spent import Part
from cluster.workers.pool import WorkerPool


@dataclass(frozen=True)
class StudyParts:
    """The parts of one study, which are independent of each other.

    Attributes:
        observers: Part -> the observer whose time counts as that part of the driver's time.
    """

    store: Store
    search: Search
    pool: WorkerPool
    checkpoints: Checkpoints
    observers: Mapping[Part, StudyObserver] = field(default_factory=dict)

    def notify(self, event: StudyEvent) -> None:
        """Passes an event to every observer, in order."""
        for observer in self.observers.values():
            observer.notify(event)
