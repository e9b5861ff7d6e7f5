"""The programs of `bench start` wait for the output that a person waits for."""

import pytest

from jobs.bench.benchmarks.start import PROGRAMS
from jobs.bench.programs.start import COMMANDS, seconds_until


def test_help_and_python_alone_are_timed() -> None:
    assert seconds_until(*COMMANDS["python"]) > 0
    assert seconds_until(*COMMANDS["help"]) > 0


def test_command_that_never_prints_the_awaited_line_raises() -> None:
    with pytest.raises(ValueError, match="exited with 3 and never printed 'epoch'"):
        seconds_until(("-c", "raise SystemExit(3)"), "epoch")


def test_every_program_of_the_tables_can_be_run() -> None:
    assert {kind for kinds in PROGRAMS.values() for kind in kinds.values()} == set(COMMANDS)
