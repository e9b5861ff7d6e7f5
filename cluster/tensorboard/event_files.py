"""TensorBoard's event files: their names, which decide the order of reading, and how events are framed in them.

Whatever is lost in them can be rebuilt from the store, so a full disk only stops the view.
"""

import os
import re
import socket
import struct
import time
from collections.abc import Iterable, Iterator
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


class EventWriter:
    """Writes event files until one of them cannot be written.

    Each call opens a file, appends to it and closes it, which takes 10 microseconds: no file stays open, readers see a
    measurement at once, and a failed write is noticed here instead of killing a thread. No fsync: these files can be
    rebuilt from the store.

    Attributes:
        problem: why nothing is written any more, in one sentence; None while files are written.
    """

    def __init__(self) -> None:
        """Writes nothing yet."""
        self.problem: str | None = None

    def append(self, file: Path, events: Iterable[Event]) -> None:
        """Appends events to a file, which is created with its folder if there is none."""
        if self.problem is not None:
            return  # TensorBoard reads nothing after a truncated record
        content = b"".join(_framed(event.SerializeToString()) for event in events)
        try:
            try:
                _append(file, content)
            except FileNotFoundError:
                file.parent.mkdir(parents=True, exist_ok=True)
                _append(file, content)
        except OSError as err:
            self.give_up(file, err)

    def write(self, file: Path, content: bytes) -> None:
        """Writes a file of another kind."""
        if self.problem is not None:
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        except OSError as err:
            self.give_up(file, err)

    def replace(self, folder: Path, what: str, events: Iterable[Event]) -> None:
        """Writes events to a file for one purpose of its own, which replaces an earlier one."""
        file = next_event_file(folder, what)
        self.delete(folder, what)
        self.append(file, events)

    def delete(self, folder: Path, what: str = "") -> None:
        """Deletes the event files of a run, or only those for one purpose."""
        if self.problem is not None:  # they could not be rewritten
            return
        try:
            for file in event_files(folder, what):
                file.unlink()
        except OSError as err:
            self.give_up(folder, err)

    def give_up(self, path: Path, err: OSError) -> None:
        """Writes nothing from now on, because of an error."""
        self.problem = self.problem or (
            f"TensorBoard logging stopped: cannot write {path} ({err.strerror}). Fix it, then `mxtrials resume`; "
            "the study itself is unaffected"
        )


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


def _append(file: Path, content: bytes) -> None:
    """Appends to a file with as few system calls as possible; a new file starts with its version."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        if os.fstat(handle).st_size == 0:
            version = Event(wall_time=time.time(), file_version=FIRST_EVENT)
            content = _framed(version.SerializeToString()) + content
        while content:  # a full disk takes a part first, and then raises
            content = content[os.write(handle, content) :]
    finally:
        os.close(handle)


def _framed(data: bytes) -> bytes:
    """Returns data in TensorFlow's TFRecord format: length, its checksum, data, its checksum."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))
