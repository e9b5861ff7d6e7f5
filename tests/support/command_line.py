"""`mxtrials` commands in real processes: how tests start them, and what they check of an error."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

CommandLine = Callable[..., subprocess.CompletedProcess[str]]


def command(*arguments: str | Path) -> list[str]:
    """The words of an `mxtrials` command that runs this source tree."""
    return [sys.executable, "-m", "jobs", *map(str, arguments)]


def run_successfully(environment: Mapping[str, str], *arguments: str | Path) -> str:
    """Runs a command that must exit with 0 and returns what it prints."""
    done = subprocess.run(
        command(*arguments), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_with_ulimit(
    limit: str, environment: Mapping[str, str], *arguments: str | Path
) -> "subprocess.CompletedProcess[str]":
    """Runs a command under a limit of the shell's `ulimit`, such as "-n 16"."""
    return subprocess.run(
        ["sh", "-c", f'ulimit {limit} && exec "$@"', "sh", *command(*arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def assert_one_line_error(done: subprocess.CompletedProcess[str], exit_code: int, *words: str) -> None:
    """Checks that a command printed one line on stderr, with these words, nothing on stdout, and its exit code."""
    assert done.returncode == exit_code, done.stderr
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("mxtrials: ")
    for word in words:
        assert word in sentence
