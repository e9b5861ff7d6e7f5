"""What a driver works with, assembled by whoever runs a study."""

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
    """The parts of one study; none knows another.

    Attributes:
        observers: by the part of the driver's time that they take.
    """

    store: Store
    search: Search
    pool: WorkerPool
    checkpoints: Checkpoints
    observers: Mapping[Part, StudyObserver] = field(default_factory=dict)

    def notify(self, event: StudyEvent) -> None:
        """Hands an event to every observer, in their order."""
        for observer in self.observers.values():
            observer.notify(event)
