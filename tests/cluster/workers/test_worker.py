"""A worker in this process: when it sends its state, when it waits for memory, and how it reports errors."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cluster.trial import MEMORY_PATIENCE_S, TrialSpec
from cluster.workers.events import Failed, Measured
from cluster.workers.worker import STATE_SHARE, TrialEvent, TrialInProgress, Worker, WorkerSettings
from mnist_core.config import MlpConfig, TrainingConfig
from mnist_core.data.dataset import Dataset

TRIAL = TrialSpec(0, MlpConfig(hidden=(4,)), TrainingConfig(epochs=4), seed=0)


@pytest.fixture
def worker(small_dataset: Dataset) -> Callable[..., Worker]:
    def make(state_every_s: float) -> Worker:
        return Worker("cpu-0", "cpu", small_dataset, WorkerSettings(56, 0, state_every_s))

    return make


def sent(event: TrialEvent) -> bool:
    assert isinstance(event, Measured)
    return event.state is not None


def test_state_is_sent_with_each_epoch_or_only_when_it_is_due(worker: Callable[..., Worker]) -> None:
    eager, patient = worker(0.0), worker(3600.0)
    assert [sent(eager.start(TRIAL)), sent(eager.advance()), sent(eager.advance())] == [True] * 3
    assert [sent(patient.start(TRIAL)), sent(patient.advance()), sent(patient.advance())] == [False] * 3


@pytest.mark.parametrize(("every_s", "took_s", "pause_s"), [(10.0, 0.1, 10.0), (10.0, 1.0, 50.0), (0.0, 1.0, 0.0)])
def test_expensive_state_is_followed_by_a_pause_fifty_times_as_long(
    every_s: float, took_s: float, pause_s: float
) -> None:
    running = TrialInProgress(0, None, 9, iter(()), 0.0, state_sent_s=100.0)  # type: ignore[arg-type]
    running.schedule_next_state(every_s, 100.0 + took_s)
    assert running.state_due_s == 100.0 + took_s + pause_s
    assert running.state_sent_s is None
    assert STATE_SHARE == 0.02


@pytest.mark.parametrize("waits", [True, False])
def test_trial_that_ran_out_of_memory_first_waits_for_memory(waits: bool, small_dataset: Dataset) -> None:
    waited: list[float] = []
    worker = Worker("cpu-0", "cpu", small_dataset, WorkerSettings("test", seed=0), wait=waited.append)
    assert isinstance(worker.start(replace(TRIAL, waits_for_memory=waits)), Measured)
    assert waited == [MEMORY_PATIENCE_S] * waits


def test_trial_that_raises_is_reported_as_failed_and_the_worker_continues(worker: Callable[..., Worker]) -> None:
    trainer = worker(0.0)
    event = trainer.start(replace(TRIAL, number=3, resume_from=b"damaged"))
    assert isinstance(event, Failed)
    assert (event.worker, event.number, event.retryable, event.out_of_memory) == ("cpu-0", 3, False, False)
    assert event.error.startswith("CheckpointError: not a training state")
    assert "Traceback" in event.traceback
    assert event.work.other_s > 0
    assert isinstance(trainer.start(TRIAL), Measured)
