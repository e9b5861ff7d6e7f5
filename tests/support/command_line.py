"""The command line as tests call it: real processes, with a data cache of the tests' own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]

CommandLine = Callable[..., subprocess.CompletedProcess[str]]


def command(*arguments: str | Path) -> list[str]:
    """`mxtrials ...` of this source tree."""
    return [sys.executable, "-m", "jobs", *map(str, arguments)]


def assert_refused(done: subprocess.CompletedProcess[str], exit_code: int, *words: str) -> None:
    """One sentence of ours on stderr, nothing on stdout, and the exit code."""
    assert done.returncode == exit_code, done.stderr
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("mxtrials: ")
    for word in words:
        assert word in sentence
