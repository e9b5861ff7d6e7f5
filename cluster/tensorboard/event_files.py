"""TensorBoard's event files: their names, which decide the order of reading, and how events are framed in them."""

import re
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from mnist_core.lean_import import hidden_packages

with hidden_packages("torch"):  # tensorboardX imports it to accept tensors, which takes a second
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

FIRST_EVENT = "brain.Event:2"
"""The format's version, named by the first event of each file."""

_NAME = "events.out.tfevents"
_TIME = re.compile(re.escape(_NAME) + r"\.(\d+\.\d+)\.")
_APART_S = 1e-5


def event_files(folder: Path, what: str = "") -> Iterator[Path]:
    """Yields the event files of a run, or only those for one purpose."""
    return folder.glob(f"{_NAME}.*{what}")


def next_event_file(folder: Path, what: str = "") -> Path:
    """Names a new event file so that it sorts after the existing ones, because TensorBoard reads them in this order.

    Names contain the time. If the clock was set back, the new name contains a time just after the newest file's.
    """
    times_s = [float(found[1]) for file in event_files(folder) if (found := _TIME.search(file.name))]
    started_s = max([time.time(), *(each + _APART_S for each in times_s)])
    return folder / f"{_NAME}.{started_s:.6f}.{socket.gethostname()}{what}"


def append_events(file: Path, head: Callable[[], Iterable[Event]], events: Iterable[Event]) -> None:
    """Appends events to a file; a new one starts with its version and what `head` returns.

    Raises:
        OSError: the file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as output:
        if output.tell() == 0:
            events = [Event(wall_time=time.time(), file_version=FIRST_EVENT), *head(), *events]
        output.write(b"".join(_framed(event.SerializeToString()) for event in events))


def is_intact(content: bytes) -> bool:
    """Returns whether an event file consists of whole records; TensorBoard reads nothing after one that is not."""
    offset = 0
    while offset < len(content):
        length = int.from_bytes(content[offset : offset + 8], "little")
        record = _framed(content[offset + 12 : offset + 12 + length])
        if not content.startswith(record, offset):
            return False
        offset += len(record)
    return True


def _framed(data: bytes) -> bytes:
    """Returns data in TensorFlow's TFRecord format: length, its checksum, data, its checksum."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))
