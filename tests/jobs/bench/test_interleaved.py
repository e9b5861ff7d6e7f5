"""Programs that live through all rounds; here they are small scripts in a temporary folder."""

from pathlib import Path

import pytest

from jobs.bench.interleaved import Replicas, run_interleaved
from jobs.bench.program import Program
from jobs.bench.rounds import Rounds

COUNTER = """
import os, sys
for number, _ in enumerate(sys.stdin):
    print(number * {factor}, flush=True)
    if number == {last}: sys.exit("{last} is enough")
"""
SLEEPER = "import sys, time; sys.stdin.readline(); time.sleep(60)"


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "counter.py").write_text(COUNTER.format(factor=1, last=100))
    (tmp_path / "doubler.py").write_text(COUNTER.format(factor=2, last=100))
    (tmp_path / "quitter.py").write_text(COUNTER.format(factor=1, last=1))
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def run(*names: str, rounds: int, replicas: int = 1, timeout_s: float = 60.0) -> Rounds:
    entries = [Replicas(Program(name, name, timeout_s=timeout_s), replicas) for name in names]
    return run_interleaved(entries, rounds, lambda text: None)


def test_programs_live_through_all_rounds_and_the_first_round_is_a_warm_up() -> None:
    rounds = run("counter", "doubler", rounds=3)
    assert rounds.results == {"counter": [1, 2, 3], "doubler": [2, 4, 6]}
    assert rounds.median_ratio("doubler", "counter") == 2


def test_replicas_of_a_program_are_added_up() -> None:
    assert run("counter", rounds=2, replicas=3).results == {"counter": [3, 6]}


def test_program_that_ends_early_is_left_out_and_the_others_continue() -> None:
    rounds = run("quitter", "counter", rounds=3)
    assert rounds.results == {"counter": [1, 2, 3]}
    assert rounds.notes == ["quitter is left out: exited with 1: 1 is enough"]


def test_program_that_never_answers_is_left_out() -> None:
    rounds = run("sleeper", rounds=1, replicas=2, timeout_s=0.2)
    assert rounds.left_out == {"sleeper": "gave no answer within 0.2 s"}
