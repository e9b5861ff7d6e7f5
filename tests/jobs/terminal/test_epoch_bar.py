"""How far a training is, as a terminal shows it and other outputs do not."""

import io
import time

from rich.console import Console

from jobs.terminal.epoch_bar import epoch_bar

DEADLINE_S = 10.0


def terminal() -> tuple[Console, io.StringIO]:
    output = io.StringIO()
    return Console(file=output, force_terminal=True, force_interactive=True, width=80), output


def test_bar_shows_the_epochs_of_a_training_that_takes_long() -> None:
    console, output = terminal()
    deadline_s = time.monotonic() + DEADLINE_S
    with epoch_bar("trial 3, mlp", 7, console, patience_s=0.0) as tell:
        tell(2)
        while "2/7" not in output.getvalue() and time.monotonic() < deadline_s:
            time.sleep(0.01)
    assert "trial 3, mlp" in output.getvalue()
    assert "2/7" in output.getvalue()


def test_training_that_is_done_soon_shows_no_bar() -> None:
    console, output = terminal()
    with epoch_bar("trial 3, mlp", 7, console, patience_s=60.0) as tell:
        tell(7)
    assert output.getvalue() == ""


def test_output_that_is_not_a_terminal_gets_no_bar() -> None:
    output = io.StringIO()
    with epoch_bar("trial 3, mlp", 7, Console(file=output), patience_s=0.0) as tell:
        tell(7)
    assert output.getvalue() == ""
