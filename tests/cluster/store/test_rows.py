"""Rows that mean nothing are rejected with what is wrong in them."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cluster.store.rows import read_attempt, read_environment, read_spec, read_study
from cluster.store.store import Store

ATTEMPT: dict[str, Any] = {
    "attempt": 1,
    "worker": "cpu-0",
    "started_at": 0.0,
    "ended_at": 253_370_764_799.0,
    "outcome": None,
    "error": None,
    "traceback": None,
}


@pytest.mark.parametrize(
    ("read", "row", "says"),
    [
        (read_study, {"state": "odd", "reason": None}, "'odd' is not a state of a study"),
        (read_study, {"state": "running", "reason": 5}, "5 is not text"),
        (read_environment, {"environment": "[]"}, "'[]' is not an environment"),
        (read_spec, {"spec": None, "seed_bits": 33}, "33 is not a length of seeds"),
        (read_attempt, {**ATTEMPT, "outcome": "odd"}, "'odd' is not an outcome of an attempt"),
        (read_attempt, {**ATTEMPT, "started_at": -0.5}, "-0.5 is not a time"),
        (read_attempt, {**ATTEMPT, "ended_at": 253_370_764_800.0}, "253370764800.0 is not a time"),
    ],
)
def test_row_that_means_nothing_is_rejected(
    read: Callable[[Mapping[str, Any]], object], row: dict[str, Any], says: str
) -> None:
    with pytest.raises((ValueError, TypeError)) as raised:
        read(row)
    assert str(raised.value) == says


def test_times_from_1970_to_the_year_9999_are_read() -> None:
    attempt = read_attempt(ATTEMPT)
    assert (attempt.started_at, attempt.ended_at) == (0.0, 253_370_764_799.0)


def test_workers_of_a_trial_are_named_once_in_the_order_of_their_first_attempts(store: Store) -> None:
    for number, workers in ((0, ["cpu-1", "cpu-0", "cpu-1"]), (1, ["cpu-2"])):
        store.add_trial(number, "mlp", {}, seed=number)
        for worker in workers:
            store.start_attempt(number, worker)
            store.end_attempt(number, "lost")
    assert (store.workers(0), store.workers(1), store.workers(2)) == (("cpu-1", "cpu-0"), ("cpu-2",), ())
