"""Small trials on the workers of a pool, and waiting for its events."""

import time

from cluster.trial import TrialSpec
from cluster.workers.events import Finished, Measured, Ready, WorkerEvent
from cluster.workers.pool import WorkerPool
from cluster.workers.worker import WorkerSettings
from mnist_core.config import MlpConfig, TrainingConfig

SETTINGS = WorkerSettings(holdout=56, seed=0, state_every_s=0.0)
PATIENCE_S = 60.0


def trial(number: int = 0, epochs: int = 2, resume_from: bytes | None = None) -> TrialSpec:
    model = MlpConfig(hidden=(16,), initializer="xavier")
    return TrialSpec(number, model, TrainingConfig(epochs=epochs, batch_size=50), seed=7, resume_from=resume_from)


def next_event(pool: WorkerPool) -> WorkerEvent:
    """Waits for the next event of a pool that has work in progress."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        event = pool.next_event(1.0)
        if event is not None:
            return event
    raise AssertionError(f"nothing happened within {PATIENCE_S} s")


def next_ready(pool: WorkerPool) -> Ready:
    event = next_event(pool)
    assert isinstance(event, Ready)
    return event


def train(pool: WorkerPool, worker: str, spec: TrialSpec) -> Finished:
    """Trains a trial to its end on a worker that is ready."""
    pool.start(worker, spec)
    while isinstance(event := next_event(pool), Measured):
        pool.advance(worker)
    assert isinstance(event, Finished)
    return event
