"""Sides live through all rounds; here they are programs of a few lines in a folder of the test."""

from pathlib import Path

import pytest

from jobs.bench.interleaved import Contestant, in_short_turns, median_ratio
from jobs.bench.rounds import Side

COUNTER = """
import os, sys
for number, _ in enumerate(sys.stdin):
    print(number * {factor}, flush=True)
    if number == {last}: sys.exit("{last} is enough")
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "counter.py").write_text(COUNTER.format(factor=1, last=100))
    (tmp_path / "doubler.py").write_text(COUNTER.format(factor=2, last=100))
    (tmp_path / "quitter.py").write_text(COUNTER.format(factor=1, last=1))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def contestants(*names: str, copies: int = 1) -> list[Contestant]:
    return [Contestant(Side(name, name), copies) for name in names]


@pytest.mark.usefixtures("programs")
def test_sides_live_on_from_turn_to_turn_and_the_first_only_warms_up() -> None:
    turns = in_short_turns(contestants("counter", "doubler"), 3, lambda text: None)
    assert turns.results == {"counter": [1, 2, 3], "doubler": [2, 4, 6]}
    assert median_ratio(turns, "doubler", "counter") == 2
    assert median_ratio(turns, "counter", "absent") is None


@pytest.mark.usefixtures("programs")
def test_copies_of_a_side_are_added() -> None:
    turns = in_short_turns(contestants("counter", copies=3), 2, lambda text: None)
    assert turns.results == {"counter": [3, 6]}


@pytest.mark.usefixtures("programs")
def test_side_that_ends_early_is_left_out_and_the_others_go_on() -> None:
    turns = in_short_turns(contestants("quitter", "counter"), 3, lambda text: None)
    assert turns.results == {"counter": [1, 2, 3]}
    assert turns.left_out == ["quitter is left out: 1 is enough"]
