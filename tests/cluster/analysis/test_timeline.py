"""The timeline: workers in their order, attempts that failed, pauses that are shortened."""

from cluster.analysis.timeline import LONGEST_PAUSE_S, MOST_WORKERS, timeline
from tests.cluster.analysis.studies import attempt, recorded, study


def test_bars_start_with_the_first_attempt_and_know_their_faults() -> None:
    first = attempt(1, 1000.0, 1010.0, outcome="crashed", error="worker died")
    record = study(recorded(0, attempts=[first, attempt(2, 1020.0, 1030.0, "cpu-1")]))

    drawn = timeline(record, now=2000.0)

    assert [(bar.start_s, bar.end_s, bar.is_fault) for bar in drawn.bars] == [(0, 10, True), (20, 30, False)]
    assert drawn.bars[0].error == "worker died"
    assert (drawn.workers, drawn.pauses, drawn.hidden_workers) == (["cpu-0", "cpu-1"], 0, 0)


def test_attempt_that_runs_is_drawn_until_now() -> None:
    (bar,) = timeline(study(recorded(0, attempts=[attempt(1, 1000.0, None, outcome=None)])), now=1007.0).bars

    assert bar.end_s == 7


def test_pause_between_two_drivers_is_shortened() -> None:
    week = 7 * 86_400.0
    attempts = [attempt(1, 0.0, 10.0, outcome="interrupted"), attempt(2, week, week + 10)]

    drawn = timeline(study(recorded(0, attempts=attempts)), now=week)

    assert [bar.start_s for bar in drawn.bars] == [0, 10 + LONGEST_PAUSE_S]
    assert drawn.pauses == 1


def test_workers_are_in_the_order_of_their_numbers() -> None:
    trials = [recorded(number, attempts=[attempt(worker=f"cpu-{number}")]) for number in (10, 9, 2)]

    assert timeline(study(*trials), now=0.0).workers == ["cpu-2", "cpu-9", "cpu-10"]


def test_of_too_many_workers_the_busiest_are_shown() -> None:
    lazy = [recorded(number, attempts=[attempt(worker=f"cpu-{number}")]) for number in range(MOST_WORKERS)]
    busy = [
        recorded(MOST_WORKERS + number, attempts=[attempt(ended_at=9.0, worker=f"gpu-{number}")]) for number in (0, 1)
    ]

    drawn = timeline(study(*lazy, *busy), now=0.0)

    assert (len(drawn.workers), drawn.hidden_workers) == (MOST_WORKERS, 2)
    assert {"gpu-0", "gpu-1"} <= set(drawn.workers)
    assert {bar.worker for bar in drawn.bars} == set(drawn.workers)


def test_study_without_an_attempt_has_an_empty_timeline() -> None:
    assert timeline(study(), now=0.0).bars == []
