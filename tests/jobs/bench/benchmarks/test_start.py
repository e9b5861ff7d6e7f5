"""The sides of `bench start` wait for what a person waits for."""

import pytest

from jobs.bench.benchmarks.start import SIDES
from jobs.bench.programs.start import PROGRAMS, seconds_until


def test_help_and_python_alone_are_timed() -> None:
    assert seconds_until(*PROGRAMS["python"]) > 0
    assert seconds_until(*PROGRAMS["help"]) > 0


def test_program_that_never_says_it_is_an_error() -> None:
    with pytest.raises(ValueError, match="ended with 3 and never said 'epoch'"):
        seconds_until(("-c", "raise SystemExit(3)"), "epoch")


def test_every_side_of_the_tables_can_be_run() -> None:
    assert {program for sides in SIDES.values() for program in sides.values()} == set(PROGRAMS)
