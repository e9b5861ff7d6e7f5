"""How long a person waits from the start of a process until a line of its output.

Run as `python -m jobs.bench.programs.start COMMAND`; runs one of COMMANDS once and prints the seconds.
"""

import json
import subprocess
import sys
import tempfile
import time

_MXTRIALS = ("-m", "jobs")
# Name -> Python's arguments, and a part of the awaited line.
COMMANDS: dict[str, tuple[tuple[str, ...], str]] = {
    "help": ((*_MXTRIALS, "--help"), "Usage"),
    "python": (("-c", "print('Usage')"), "Usage"),
    "smoke": ((*_MXTRIALS, "run", "smoke", "--out", "run"), " epoch 1/"),
    "bare": (("-m", "jobs.bench.peers.bare_actors", "1"), "imported"),
}


def seconds_until(arguments: tuple[str, ...], awaited: str) -> float:
    """Times Python from its start to the awaited line; then waits for its end, which is not timed.

    Args:
        arguments: what Python runs.
        awaited: a part of the line.

    Raises:
        ValueError: it ended without such a line.
    """
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stdout is not None
            seconds = next((time.perf_counter() - started for line in running.stdout if awaited in line), None)
            running.stdout.read()
    if seconds is None:
        raise ValueError(f"{' '.join(arguments)} exited with {running.returncode} and never printed {awaited!r}")
    return seconds


if __name__ == "__main__":
    sys.stdout.write(json.dumps(seconds_until(*COMMANDS[sys.argv[1]])))
