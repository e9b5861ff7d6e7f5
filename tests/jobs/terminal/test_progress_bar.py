"""The progress bar of a training, which only a terminal shows."""

import io
import time

from rich.console import Console

from jobs.terminal.progress_bar import progress_bar

DEADLINE_S = 10.0


def terminal() -> tuple[Console, io.StringIO]:
    output = io.StringIO()
    return Console(file=output, force_terminal=True, force_interactive=True, width=80), output


def test_bar_shows_the_epochs_of_a_long_training() -> None:
    console, output = terminal()
    deadline_s = time.monotonic() + DEADLINE_S
    with progress_bar("trial 3, mlp", 7, console, patience_s=0.0) as show_epoch:
        show_epoch(2)
        while "2/7" not in output.getvalue() and time.monotonic() < deadline_s:
            time.sleep(0.01)
    assert "trial 3, mlp" in output.getvalue()
    assert "2/7" in output.getvalue()


def test_short_training_shows_no_bar() -> None:
    console, output = terminal()
    with progress_bar("trial 3, mlp", 7, console, patience_s=60.0) as show_epoch:
        show_epoch(7)
    assert output.getvalue() == ""


def test_output_that_is_not_a_terminal_gets_no_bar() -> None:
    output = io.StringIO()
    with progress_bar("trial 3, mlp", 7, Console(file=output), patience_s=0.0) as show_epoch:
        show_epoch(7)
    assert output.getvalue() == ""
