"""The text helpers of error messages."""

import pytest

from mnist_core.errors import first_line, last_line


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("one", "one", "one"),
        ("\n  one \n\ntwo\t\n \n", "one", "two"),
        ("", "no message", "no message"),
        (" \n\t\n", "no message", "no message"),
    ],
)
def test_first_and_last_line_are_those_that_are_not_blank(text: str, first: str, last: str) -> None:
    assert (first_line(text), last_line(text)) == (first, last)


def test_default_replaces_a_blank_message() -> None:
    assert first_line("\n", "nothing") == last_line("", "nothing") == "nothing"
