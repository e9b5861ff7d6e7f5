"""What a driver works with, assembled by whoever runs a study."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cluster.driver.observer import StudyEvent, StudyObserver
from cluster.run_dir.checkpoints import Checkpoints
from cluster.search.search import Search
from cluster.store.store import Store
from cluster.workers.pool import WorkerPool


@dataclass(frozen=True)
class StudyParts:
    """The parts of one study; none knows another.

    Attributes:
        observers: by the name under which the stopwatch counts their time, e.g. "terminal".
    """

    store: Store
    search: Search
    pool: WorkerPool
    checkpoints: Checkpoints
    observers: Mapping[str, StudyObserver] = field(default_factory=dict)

    def notify(self, event: StudyEvent) -> None:
        """Hands an event to every observer, in their order."""
        for observer in self.observers.values():
            observer.notify(event)
