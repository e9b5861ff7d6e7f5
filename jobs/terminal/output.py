"""What all terminal output shares: styles of states, and numbers and parameters as text."""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, TextIO

from rich.text import Text

from cluster.spec.space import Params, fewest_digits, format_param
from cluster.trial import TrialState

PLAIN_WIDTH = 1_000_000
"""Columns if the output is not a terminal: a file or a pipe has no width, so nothing is cut or wrapped."""


class TrimmedLines:
    """A text stream without the spaces at the end of its lines, with which tables fill their last column."""

    def __init__(self, stream: TextIO) -> None:
        """Writes to `stream`, which also answers everything else."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes whole lines."""
        return self._stream.write(re.sub(r" +(?=\n)", "", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


STATE_STYLES = {
    TrialState.COMPLETE: "green",
    TrialState.PRUNED: "yellow",
    TrialState.FAIL: "red",
    TrialState.RUNNING: "cyan",
    TrialState.WAITING: "dim",
}

STATE_WORDS = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def ellipsized(*parts: str | tuple[str, str]) -> Text:
    """Joins texts, each with an optional style, into one line that ends in an ellipsis if it is too long."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def pluralize(number: int, thing: str) -> str:
    """Returns 1 as "1 worker", 2 as "2 workers"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def format_params(params: Params) -> str:
    """Returns a trial's parameters in one line, each named by the last part of its dotted name."""
    return _joined({name: format_param(value) for name, value in params.items()})


def format_rows_of_params(rows: Sequence[Params]) -> list[str]:
    """Returns the parameters of several trials, floats with as few digits as keep the different values apart."""
    digits = {name: fewest_digits([row[name] for row in rows if name in row]) for name in {*chain(*rows)}}
    return [_joined({name: format_param(value, digits[name]) for name, value in row.items()}) for row in rows]


def _joined(texts: Mapping[str, str]) -> str:
    return "  ".join(f"{name.rsplit('.', 1)[-1]}={text}" for name, text in texts.items())


def format_count(number: float) -> str:
    """Returns 1234567 as "1.23M"."""
    for divisor, unit in ((1e6, "M"), (1e3, "k")):
        if number >= divisor:
            return f"{number / divisor:.3g}{unit}"
    return f"{number:.3g}"


def format_time(seconds: float) -> str:
    """Returns seconds as "42 s" or "3:07 min"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"
