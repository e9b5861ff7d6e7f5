"""Time in which a process did not run."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.machine.pauses import LONGEST_TURN_S, PauseMeter


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50))
def test_each_turn_counts_as_a_pause_except_for_its_first_second(turns_s: list[float]) -> None:
    now_s = [0.0]
    meter = PauseMeter(lambda: now_s[0])
    for turn_s in turns_s:
        before_s = now_s[0]
        now_s[0] += turn_s
        assert meter.paused_s() == max(0.0, now_s[0] - before_s - LONGEST_TURN_S)
        assert meter.paused_s() == 0.0
