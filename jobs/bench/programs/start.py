"""How long a person waits, from the start of a process to a line on its output.

As a program, `python -m jobs.bench.programs.start PROGRAM`, it runs one of PROGRAMS once and prints the seconds.
"""

import json
import subprocess
import sys
import tempfile
import time

_MXTRIALS = ("-m", "jobs")
# By name: what Python is to run, and what the awaited line has in it.
PROGRAMS: dict[str, tuple[tuple[str, ...], str]] = {
    "help": ((*_MXTRIALS, "--help"), "Usage"),
    "python": (("-c", "print('Usage')"), "Usage"),
    "smoke": ((*_MXTRIALS, "run", "smoke", "--out", "run"), " epoch 1/"),
    "bare": (("-m", "jobs.bench.peers.bare_actors", "1"), "imported"),
}


def seconds_until(program: tuple[str, ...], awaited: str) -> float:
    """From the start of the program to the line; the program then goes on to its end, which is not counted.

    Raises:
        ValueError: it ended without such a line.
    """
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, *program],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stdout is not None
            seconds = next((time.perf_counter() - started for line in running.stdout if awaited in line), None)
            running.stdout.read()
    if seconds is None:
        raise ValueError(f"{' '.join(program)} ended with {running.returncode} and never said {awaited!r}")
    return seconds


if __name__ == "__main__":
    sys.stdout.write(json.dumps(seconds_until(*PROGRAMS[sys.argv[1]])))
