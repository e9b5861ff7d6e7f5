"""The names of a run's event files: those that are there, and the next. Opens none."""

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

_NAME = "events.out.tfevents"
_TIME = re.compile(re.escape(_NAME) + r"\.(\d+\.\d+)\.")
_APART_S = 1e-5


def event_files(folder: Path, what: str = "") -> Iterator[Path]:
    """All that are there, or those of one purpose."""
    return folder.glob(f"{_NAME}.*{what}")


def next_event_file(folder: Path, what: str = "") -> Path:
    """A name for a new one, which sorts behind those that are there: TensorBoard reads them in this order.

    Names hold the time. Where the clock was set back, this one holds the time of the newest and a little more.
    """
    times_s = [float(found[1]) for file in event_files(folder) if (found := _TIME.search(file.name))]
    begun_s = max([time.time(), *(each + _APART_S for each in times_s)])
    return folder / f"{_NAME}.{begun_s:.6f}.{socket.gethostname()}{what}"
