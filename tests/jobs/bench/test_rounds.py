"""Programs run in rounds as real processes; here they are json.tool, which prints the file that it is given."""

from pathlib import Path

import pytest

from jobs.bench.program import Program
from jobs.bench.rounds import Rounds, run_rounds


@pytest.fixture
def number(tmp_path: Path) -> str:
    """A file that holds a number."""
    path = tmp_path / "number.json"
    path.write_text("42")
    return str(path)


def run_and_record_order(programs: list[Program], count: int) -> tuple[Rounds, list[str]]:
    announced: list[str] = []
    return run_rounds(programs, count, announced.append), [text.split(",")[0] for text in announced]


def test_programs_alternate_and_have_a_result_per_round(number: str) -> None:
    programs = [Program("a", "json.tool", (number,)), Program("b", "json.tool", (number,), cores=None)]

    rounds, order = run_and_record_order(programs, 2)

    assert order == ["a", "b", "a", "b"]
    assert rounds == Rounds({"a": [42, 42], "b": [42, 42]}, {})


def test_program_with_a_missing_package_is_left_out_with_a_note(number: str) -> None:
    absent = Program("absent", "json.tool", (number,), needs=("no_such_package",))

    rounds, order = run_and_record_order([Program("a", "json.tool", (number,)), absent], 1)

    assert order == ["a"]
    assert rounds.notes == ["absent is left out: no_such_package is not installed (extra `bench`)"]


def test_program_that_fails_is_left_out_with_its_last_line_and_the_others_continue(number: str) -> None:
    programs = [Program("bad", "json.tool", ("no-such-file",)), Program("a", "json.tool", (number,))]

    rounds, order = run_and_record_order(programs, 2)

    assert order == ["bad", "a", "a"]
    assert rounds.results == {"a": [42, 42]}
    assert "no-such-file" in rounds.notes[0]


def test_program_that_takes_too_long_is_killed_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sleeper.py").write_text("import time; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    rounds, _ = run_and_record_order([Program("sleeper", "sleeper", timeout_s=0.2)], 1)

    assert rounds.left_out == {"sleeper": "took longer than 0.2 s"}


def test_program_that_does_not_print_json_is_left_out() -> None:
    rounds, _ = run_and_record_order([Program("zen", "this")], 1)

    assert "which is not JSON" in rounds.left_out["zen"]


def test_program_gets_its_environment_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reader.py").write_text("import os; print(os.environ['HEIGHT'])")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    rounds, _ = run_and_record_order([Program("reader", "reader", variables=(("HEIGHT", "7"),))], 1)

    assert rounds.results == {"reader": [7]}


def test_ratio_is_the_median_over_the_rounds() -> None:
    rounds = Rounds({"a": [2.0, 9.0, 4.0], "b": [1.0, 3.0, 4.0]})

    assert rounds.median_ratio("a", "b") == 2
    assert rounds.median_ratio("a", "absent") is None
