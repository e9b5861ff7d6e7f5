"""Sides take turns as real processes; here they are json.tool, which prints the file that it is given."""

from pathlib import Path

import pytest

from jobs.bench.rounds import Side, Turns, in_turns


@pytest.fixture
def number(tmp_path: Path) -> str:
    """A file with a number in it."""
    path = tmp_path / "number.json"
    path.write_text("42")
    return str(path)


def turns_of(sides: list[Side], rounds: int) -> tuple[Turns, list[str]]:
    told: list[str] = []
    return in_turns(sides, rounds, told.append), [text.split(",")[0] for text in told]


def test_sides_alternate_and_give_a_result_each_round(number: str) -> None:
    sides = [Side("a", "json.tool", (number,)), Side("b", "json.tool", (number,), cores=None)]

    turns, order = turns_of(sides, rounds=2)

    assert order == ["a", "b", "a", "b"]
    assert turns == Turns({"a": [42, 42], "b": [42, 42]}, [])


def test_side_that_is_not_installed_is_left_out_with_a_line(number: str) -> None:
    sides = [Side("a", "json.tool", (number,)), Side("absent", "json.tool", (number,), needs=("no_such_package",))]

    turns, order = turns_of(sides, rounds=1)

    assert order == ["a"]
    assert turns.left_out == ["absent is left out: no_such_package is not installed (extra `bench`)"]


def test_side_that_fails_is_left_out_with_its_last_words_and_the_others_go_on(number: str) -> None:
    turns, order = turns_of([Side("bad", "json.tool", ("no-such-file",)), Side("a", "json.tool", (number,))], rounds=2)

    assert order == ["bad", "a", "a"]
    assert turns.results == {"a": [42, 42]}
    assert "no-such-file" in turns.left_out[0]
