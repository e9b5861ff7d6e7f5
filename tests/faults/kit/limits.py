"""`mxtrials` where the kernel grants it less: open files, addresses."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.command_line import command


def limited(limit: str, environment: Mapping[str, str], *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Runs a command under a limit of the shell's `ulimit`, such as "-n 16"."""
    return subprocess.run(
        ["sh", "-c", f'ulimit {limit} && exec "$@"', "sh", *command(*arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
