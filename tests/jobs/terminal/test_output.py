"""Numbers, parameters and texts as the terminal shows them."""

import io

import pytest

from cluster.spec.space import Params, ParamValue
from jobs.terminal.output import (
    TrimmedLines,
    ellipsized,
    format_count,
    format_params,
    format_rows_of_params,
    format_time,
)


def test_parameters_are_described_by_the_last_part_of_their_names() -> None:
    assert (
        format_params({"training.learning_rate": 0.1, "model.activation": "relu"})
        == "learning_rate=0.1  activation=relu"
    )


def test_rows_of_parameters_have_only_the_digits_that_tell_them_apart() -> None:
    steps: list[ParamValue] = [{"kind": "step", "every_epochs": 1, "factor": factor} for factor in (0.12345, 0.12346)]
    rows: list[Params] = [{"training.schedule": step, "training.momentum": 0.123456789} for step in steps]
    assert format_rows_of_params(rows) == [
        "schedule=step 1 0.12345  momentum=0.1235",
        "schedule=step 1 0.12346  momentum=0.1235",
    ]


@pytest.mark.parametrize(("number", "text"), [(0.5, "0.5"), (999, "999"), (1234, "1.23k"), (1_234_567, "1.23M")])
def test_count_is_readable(number: float, text: str) -> None:
    assert format_count(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (59.6, "1:00 min"), (187, "3:07 min")])
def test_time_is_readable(seconds: float, text: str) -> None:
    assert format_time(seconds) == text


def test_lines_are_written_without_spaces_at_their_end() -> None:
    stream = io.StringIO()
    lines = TrimmedLines(stream)
    lines.write("a  b   \n   \n  c ")
    assert stream.getvalue() == "a  b\n\n  c "
    assert lines.isatty() is False


def test_ellipsized_text_does_not_interpret_markup() -> None:
    assert ellipsized("[bold]a", ("b[/]", "green")).plain == "[bold]ab[/]"
