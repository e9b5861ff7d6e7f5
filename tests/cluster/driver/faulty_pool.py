"""An InlinePool whose worker can be made to fail: real training, real events, faults on demand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from typing_extensions import override

from cluster.workers.events import Failed, Finished, Measured, WorkerEvent, WorkerLost
from cluster.workers.inline_pool import InlinePool
from cluster.workers.worker import WorkerSettings
from mnist_core.data.dataset import Dataset
from mnist_core.measurement import Measurement


def measured(event: WorkerEvent) -> Measurement | None:
    """The epoch that an event reports, if it reports one."""
    return event.measurement if isinstance(event, Measured | Finished) else None


Fault = Callable[[WorkerEvent], WorkerEvent | Literal["silence"] | None]
"""Takes the real event; returns the one to report instead, "silence" for none, or None for the real one."""


class FaultyPool(InlinePool):
    """Passes every event through a fault."""

    def __init__(self, dataset: Dataset, fault: Fault, state_every_s: float = 0.0) -> None:
        """Starts a worker whose hold-out is 56 images."""
        super().__init__(dataset, WorkerSettings(holdout=56, seed=0, state_every_s=state_every_s))
        self._fault = fault

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        event = super().next_event(0.0)
        if event is None:
            return None
        reported = self._fault(event)
        if isinstance(reported, WorkerLost):  # as in a real pool: lost, then ready again
            self.kill(reported.worker, reported.cause)
            return super().next_event(0.0)
        if isinstance(reported, str):
            return None
        return reported or event


def no_fault(event: WorkerEvent) -> None:
    """Reports every event as it happened."""


def failing(times: int, *, retryable: bool = True) -> Fault:
    """Reports the first `times` measurements as failures of their trial."""
    left = [times]

    def fault(event: WorkerEvent) -> WorkerEvent | None:
        if isinstance(event, Measured | Finished) and left[0] > 0:
            left[0] -= 1
            return Failed(event.worker, event.number, "RuntimeError: on demand", "Traceback: on demand", retryable)
        return None

    return fault


def losing_worker_at_epoch(epoch: int) -> Fault:
    """Loses the worker once, when a trial reaches an epoch; it is Ready again at once."""
    lost = [False]

    def fault(event: WorkerEvent) -> WorkerEvent | None:
        if (reported := measured(event)) and reported.epoch == epoch and not lost[0]:
            lost[0] = True
            return WorkerLost(event.worker, "worker process died")
        return None

    return fault


def reporting(metric: str, value: float, numbers: set[int], epoch: int = 1) -> Fault:
    """Replaces one metric that some trials report after an epoch by another value."""

    def fault(event: WorkerEvent) -> WorkerEvent | None:
        if isinstance(event, Measured | Finished) and event.number in numbers:
            reported = measured(event)
            if reported is not None and reported.epoch == epoch:
                wrong = replace(reported, metrics={**reported.metrics, metric: value})
                return replace(event, measurement=wrong)
        return None

    return fault


def hanging_at_epoch(epoch: int) -> Fault:
    """Withholds one epoch, once: the worker is silent until it is killed."""
    hung = [False]

    def fault(event: WorkerEvent) -> Literal["silence"] | None:
        if (reported := measured(event)) and reported.epoch == epoch and not hung[0]:
            hung[0] = True
            return "silence"
        return None

    return fault
