"""The order in which waiting trials get a worker."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.driver.queue import Backlog, WaitingTrial
from cluster.trial import TrialSpec
from mnist_core.config import MlpConfig, TrainingConfig


def waiting(number: int, not_before_s: float = 0.0) -> WaitingTrial:
    return WaitingTrial(TrialSpec(number, MlpConfig(), TrainingConfig(), seed=0), not_before_s)


def test_empty_backlog_has_no_due_trial() -> None:
    assert not Backlog()
    assert Backlog().take_due(1e9) is None


def test_trial_is_due_at_its_time_and_not_before() -> None:
    backlog = Backlog()
    backlog.add(waiting(0, not_before_s=10.0))
    assert backlog.take_due(9.9) is None
    assert len(backlog) == 1
    assert backlog.take_due(10.0) == waiting(0, 10.0)
    assert len(backlog) == 0


def test_trial_that_is_not_due_does_not_delay_others() -> None:
    backlog = Backlog()
    backlog.add(waiting(0, not_before_s=10.0))
    backlog.add(waiting(1))
    assert backlog.take_due(0.0) == waiting(1)


@given(delays=st.lists(st.floats(0, 100), max_size=20), now_s=st.floats(0, 100))
def test_due_trials_are_taken_once_each_in_the_order_of_their_arrival(delays: list[float], now_s: float) -> None:
    backlog = Backlog()
    for number, delay_s in enumerate(delays):
        backlog.add(waiting(number, delay_s))
    taken = []
    while (trial := backlog.take_due(now_s)) is not None:
        taken.append(trial.trial.number)
    assert taken == [number for number, delay_s in enumerate(delays) if delay_s <= now_s]
    assert len(backlog) == len(delays) - len(taken)
