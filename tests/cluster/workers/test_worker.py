"""A worker in this process: when it sends its state, and what it makes of errors."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cluster.trial import TrialSpec
from cluster.workers.events import Failed, Measured
from cluster.workers.worker import STATE_SHARE, TrialEvent, TrialInProgress, Worker, WorkerSettings
from mnist_core.config import MlpConfig, TrainingConfig
from mnist_core.context import bind, mx
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


def test_state_comes_with_each_epoch_or_not_before_its_time(worker: Callable[..., Worker]) -> None:
    eager, patient = worker(0.0), worker(3600.0)
    assert [sent(eager.start(TRIAL)), sent(eager.advance()), sent(eager.advance())] == [True] * 3
    assert [sent(patient.start(TRIAL)), sent(patient.advance()), sent(patient.advance())] == [False] * 3


@pytest.mark.parametrize(("every_s", "took_s", "pause_s"), [(10.0, 0.1, 10.0), (10.0, 1.0, 50.0), (0.0, 1.0, 0.0)])
def test_expensive_state_is_followed_by_a_pause_fifty_times_as_long(
    every_s: float, took_s: float, pause_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr("cluster.workers.worker.time.monotonic", lambda: now_s[0])
    running = TrialInProgress(0, None, 9, iter(()), 0.0, state_left_s=now_s[0])  # type: ignore[arg-type]
    now_s[0] += took_s
    running.schedule_next_state(every_s)
    assert running.state_due_s == now_s[0] + pause_s
    assert running.state_left_s is None
    assert STATE_SHARE == 0.02


@pytest.mark.parametrize("waits", [True, False])
def test_trial_that_ran_out_of_memory_begins_when_there_is_some(
    waits: bool, worker: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[bool] = []
    monkeypatch.setattr("cluster.workers.worker.wait_for_memory", lambda: waited.append(True))
    assert isinstance(worker(0.0).start(replace(TRIAL, waits_for_memory=waits)), Measured)
    assert waited == [True] * waits


def wrong_shape() -> None:
    network = mx.sym.FullyConnected(mx.sym.var("data"), mx.sym.var("weight"), num_hidden=3, no_bias=True)
    bind(network, mx.cpu(), {"data": mx.nd.ones((2, 2)), "weight": mx.nd.ones((7, 7))}, None)


def raising(err: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise err

    return fail


@pytest.mark.parametrize(
    ("fail", "retryable", "out_of_memory"),
    [
        (wrong_shape, False, False),
        (raising(ValueError("wrong")), False, False),
        (raising(ZeroDivisionError("wrong")), False, False),
        (raising(RuntimeError("who knows")), True, False),
        (raising(OSError(5, "input/output error")), True, False),
        (raising(MemoryError("no more")), True, True),
        (raising(RuntimeError("cudaMalloc retry failed: out of memory")), True, True),
    ],
)
def test_error_is_judged_by_whether_it_would_come_again(
    fail: Callable[[], None], retryable: bool, out_of_memory: bool, worker: Callable[..., Worker]
) -> None:
    made = worker(0.0)
    made._begin_trial = lambda trial: fail()  # type: ignore[assignment, method-assign, return-value]
    event = made.start(TRIAL)
    assert isinstance(event, Failed)
    assert (event.retryable, event.out_of_memory) == (retryable, out_of_memory), event.error


def too_large_a_target() -> None:
    mx.nd.ones(2).reshape((3,))


def not_broadcast() -> None:
    mx.nd.add(mx.nd.ones(2), mx.nd.ones(3))


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        (raising(ValueError("wrong\nand more")), "ValueError: wrong"),
        (raising(ValueError("  ")), "ValueError: no message"),
        (not_broadcast, "MXNetError: Check failed: l == 1 || r == 1: operands could not be broadcast together"),
        (too_large_a_target, "MXNetError: NDArray.Reshape: Check failed: shape_.Size() >= shape.Size() (2 vs. 3)"),
    ],
)
def test_error_is_told_in_one_line_without_mxnets_traceback(
    fail: Callable[[], None], error: str, worker: Callable[..., Worker]
) -> None:
    made = worker(0.0)
    made._begin_trial = lambda trial: fail()  # type: ignore[assignment, method-assign, return-value]
    event = made.start(TRIAL)
    assert isinstance(event, Failed)
    assert event.error.startswith(error)
    assert "\n" not in event.error
