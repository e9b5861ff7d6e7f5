"""The times of a study: the sums of its sessions by part, and the share of waiting in the second half."""

import json
from dataclasses import asdict

import pytest

from cluster.time_spent import Part, SecondsByPart, TimeSpent, study_times


def spent(session: int, trials_s: float, waited_s: float, finish_s: float = 0.0) -> TimeSpent:
    """The account of two workers that were ready after 5 s."""
    worker_s: SecondsByPart = {
        Part.START: 10.0,
        Part.TRAINING: 2 * trials_s - waited_s,
        Part.IDLE: waited_s,
        Part.FINISH: 2 * finish_s,
    }
    driver_s: SecondsByPart = {Part.START: 5.0, Part.EVENTS: trials_s, Part.FINISH: finish_s}
    return TimeSpent(session, 5.0 + trials_s + finish_s, 2, worker_s, driver_s)


def test_study_without_accounts_has_no_times() -> None:
    assert study_times([]) is None


def test_last_accounts_of_all_sessions_add_up() -> None:
    times = study_times([spent(0, 1.0, 0.5), spent(0, 10.0, 2.0), spent(1, 3.0, 0.0), spent(1, 4.0, 1.0, 2.0)])
    assert times is not None
    assert (times.sessions, times.workers) == (2, 2)
    assert times.elapsed_s == pytest.approx(26.0)
    assert {part: each for part, each in times.worker_s.items() if each} == {
        Part.START: 20.0,
        Part.TRAINING: 25.0,
        Part.IDLE: 3.0,
        Part.FINISH: 4.0,
    }
    assert sum(times.driver_s.values()) == pytest.approx(26.0)


def test_second_half_lies_between_start_and_finish() -> None:
    times = study_times([spent(0, 4.0, 4.0), spent(0, 10.0, 4.0), spent(0, 20.0, 5.0), spent(0, 20.0, 5.0, 9.0)])
    assert times is not None
    assert times.waiting == pytest.approx(5.0 / 40.0)
    assert times.waiting_later == pytest.approx(1.0 / 20.0)


def test_middle_between_two_accounts_is_interpolated() -> None:
    times = study_times([spent(0, 4.0, 0.0), spent(0, 8.0, 8.0)])
    assert times is not None
    assert times.waiting_later == pytest.approx(1.0)
    times = study_times([spent(0, 8.0, 8.0)])
    assert times is not None
    assert times.waiting_later == pytest.approx(0.5)


def test_second_half_of_a_resumed_study_may_start_in_a_later_session() -> None:
    times = study_times([spent(0, 4.0, 8.0), spent(1, 2.0, 4.0), spent(1, 8.0, 4.0)])
    assert times is not None
    assert times.waiting == pytest.approx(12.0 / 24.0)
    assert times.waiting_later == pytest.approx(0.0)


def test_messages_and_decisions_count_as_waiting() -> None:
    account = TimeSpent(
        0, 4.0, 1, {Part.TRAINING: 1.0, Part.MESSAGES: 1.0, Part.DRIVER: 1.0, Part.IDLE: 1.0}, {Part.EVENTS: 4.0}
    )
    times = study_times([account])
    assert times is not None
    assert times.waiting == pytest.approx(0.75)


def test_study_whose_trials_took_no_time_has_no_waiting() -> None:
    times = study_times([spent(0, 0.0, 0.0)])
    assert times is not None
    assert (times.waiting, times.waiting_later) == (0.0, 0.0)


def test_json_of_seconds_by_part_has_the_values_of_the_parts() -> None:
    account = TimeSpent(0, 1.0, 1, {Part.OTHER_WORK: 1.0}, {Part.TENSORBOARD: 1.0})
    assert json.loads(json.dumps(asdict(account))) == {
        "session": 0,
        "elapsed_s": 1.0,
        "workers": 1,
        "worker_s": {"other work": 1.0},
        "driver_s": {"TensorBoard": 1.0},
    }


def test_account_read_from_json_adds_up_like_the_one_that_was_written() -> None:
    account = spent(0, 10.0, 2.0, 1.0)
    assert study_times([TimeSpent(**json.loads(json.dumps(asdict(account))))]) == study_times([account])
