"""The sessions of a study taken together: sums by part, and the share of waiting in the second half."""

import pytest

from cluster.time_spent import DRIVER, EVENTS, FINISH, IDLE, MESSAGES, START, TRAINING, TimeSpent, study_times


def spent(session: int, trials_s: float, waited_s: float, finish_s: float = 0.0) -> TimeSpent:
    """An account of two workers that were ready after 5 s."""
    worker_s = {START: 10.0, TRAINING: 2 * trials_s - waited_s, IDLE: waited_s, FINISH: 2 * finish_s}
    driver_s = {START: 5.0, EVENTS: trials_s, FINISH: finish_s}
    return TimeSpent(session, 5.0 + trials_s + finish_s, 2, worker_s, driver_s)


def test_nothing_is_known_of_a_study_that_wrote_nothing() -> None:
    assert study_times([]) is None


def test_last_account_of_each_session_counts() -> None:
    times = study_times([spent(0, 1.0, 0.5), spent(0, 10.0, 2.0), spent(1, 3.0, 0.0), spent(1, 4.0, 1.0, 2.0)])
    assert times is not None
    assert (times.sessions, times.workers) == (2, 2)
    assert times.elapsed_s == pytest.approx(26.0)
    assert {part: each for part, each in times.worker_s.items() if each} == {
        START: 20.0, TRAINING: 25.0, IDLE: 3.0, FINISH: 4.0
    }  # fmt: skip
    assert sum(times.driver_s.values()) == pytest.approx(26.0)


def test_waiting_of_the_second_half_is_counted_between_start_and_finish() -> None:
    times = study_times([spent(0, 4.0, 4.0), spent(0, 10.0, 4.0), spent(0, 20.0, 5.0), spent(0, 20.0, 5.0, 9.0)])
    assert times is not None
    assert times.waiting == pytest.approx(5.0 / 40.0)
    assert times.waiting_later == pytest.approx(1.0 / 20.0)


def test_half_between_two_accounts_is_interpolated() -> None:
    times = study_times([spent(0, 4.0, 0.0), spent(0, 8.0, 8.0)])
    assert times is not None
    assert times.waiting_later == pytest.approx(1.0)
    times = study_times([spent(0, 8.0, 8.0)])
    assert times is not None
    assert times.waiting_later == pytest.approx(0.5)


def test_second_half_of_a_resumed_study_may_begin_in_a_later_session() -> None:
    times = study_times([spent(0, 4.0, 8.0), spent(1, 2.0, 4.0), spent(1, 8.0, 4.0)])
    assert times is not None
    assert times.waiting == pytest.approx(12.0 / 24.0)
    assert times.waiting_later == pytest.approx(0.0)


def test_messages_and_decisions_are_waiting_too() -> None:
    account = TimeSpent(0, 4.0, 1, {TRAINING: 1.0, MESSAGES: 1.0, DRIVER: 1.0, IDLE: 1.0}, {EVENTS: 4.0})
    times = study_times([account])
    assert times is not None
    assert times.waiting == pytest.approx(0.75)


def test_study_whose_trials_took_no_time_did_not_wait() -> None:
    times = study_times([spent(0, 0.0, 0.0)])
    assert times is not None
    assert (times.waiting, times.waiting_later) == (0.0, 0.0)
