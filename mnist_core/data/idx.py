"""Reads IDX files of 28 x 28 images and of digit labels, and rejects every deviation from the format.

Files are untrusted: a file's size, not its header, bounds the memory that is allocated.
"""

import gzip
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mnist_core.data.dataset import CLASSES, IMAGE_SIDE, UInt8Array
from mnist_core.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"
_UINT8_CODE = 0x08
_CHUNK_BYTES = 1 << 20
# At best, deflate encodes a match of 258 bytes in two bits.
_DEFLATE_MAX_RATIO = 1032


def read_images(path: Path) -> UInt8Array:
    """Reads an IDX file of images, plain or gzip, whatever its name.

    Returns:
        (N, 28, 28) uint8, N >= 1, read-only.

    Raises:
        DataError: the file cannot be read, or is not exactly an IDX file of 28 x 28 uint8 images.
    """
    return _read(path, (IMAGE_SIDE, IMAGE_SIDE))


def read_labels(path: Path) -> UInt8Array:
    """Reads an IDX file of digit labels, plain or gzip, whatever its name.

    Returns:
        (N,) uint8 in 0..9, N >= 1, read-only.

    Raises:
        DataError: the file cannot be read, or is not exactly an IDX file of labels in 0..9.
    """
    return _read(path, ())


@dataclass
class _Content:
    """The uncompressed bytes of one file, read forwards.

    Attributes:
        path: the file, for messages.
        stream: yields the uncompressed bytes.
        compressed: whether offsets count uncompressed bytes of a gzip file.
        max_bytes: the longest content that a file of this size can have.
        offset: number of bytes read so far.
    """

    path: Path
    stream: BinaryIO | gzip.GzipFile
    compressed: bool
    max_bytes: int
    offset: int = 0

    def read(self, size: int, expected_bytes: int) -> bytes:
        """Reads the next `size` bytes; raises DataError if the file is shorter than `expected_bytes`."""
        piece = self.stream.read(size)
        self.offset += len(piece)
        if len(piece) < size:
            raise self.error(self.offset, "the end", f"{expected_bytes} bytes")
        return piece

    def error(self, offset: int, found: str, expected: str) -> DataError:
        """Returns the error for what was found at `offset`."""
        where = f"byte {offset} of the uncompressed content" if self.compressed else f"byte {offset}"
        return DataError(f"{self.path}: {where}: found {found}, expected {expected}: get an undamaged MNIST file")


def _read(path: Path, item_shape: tuple[int, ...]) -> UInt8Array:
    with _open(path) as content:
        count = _read_header(content, item_shape)
        body_start = content.offset
        items = np.frombuffer(_read_body(content, count * prod(item_shape)), dtype=np.uint8)
        if not item_shape:
            _check_labels(content, body_start, items)
    items.flags.writeable = False
    return items.reshape(count, *item_shape)


@contextmanager
def _open(path: Path) -> Iterator[_Content]:
    """Opens the file, and turns any error while reading it into a DataError."""
    content = None
    try:
        # Checked first, because opening a named pipe would wait for a writer.
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "a device, pipe or socket"
            raise DataError(f"{path}: byte 0: found {kind}, expected an IDX file: give the path of a file")
        with path.open("rb") as file:
            content = _content_of(path, file)
            yield content
    except (OSError, EOFError, zlib.error) as err:
        reason = err.strerror if isinstance(err, OSError) and err.strerror else str(err)
        if content is not None and content.compressed:
            found = f"a damaged gzip stream ({reason})"
            raise content.error(content.offset, found, "an undamaged one") from err
        raise DataError(f"{path}: byte 0: found an unreadable file ({reason}), expected an IDX file") from err


def _content_of(path: Path, file: BinaryIO) -> _Content:
    """Returns the content of an open file, decompressed if it is gzip."""
    file_bytes = file.seek(0, 2)
    file.seek(0)
    compressed = file.read(2) == _GZIP_MAGIC
    file.seek(0)
    if not compressed:
        return _Content(path, file, compressed=False, max_bytes=file_bytes)
    unpacked = gzip.GzipFile(fileobj=file, mode="rb")
    return _Content(path, unpacked, compressed=True, max_bytes=file_bytes * _DEFLATE_MAX_RATIO)


def _read_header(content: _Content, item_shape: tuple[int, ...]) -> int:
    """Checks the header and returns its number of items, at most what a file of this size can contain."""
    dimensions = 1 + len(item_shape)
    header_bytes = 4 + 4 * dimensions
    magic = content.read(4, header_bytes)
    if magic[:2] != b"\0\0":
        raise content.error(0, f"0x{magic[:2].hex()}", "0x0000, the start of an IDX file")
    if magic[2] != _UINT8_CODE:
        raise content.error(2, f"data type 0x{magic[2]:02x}", f"0x{_UINT8_CODE:02x}, unsigned bytes")
    if magic[3] != dimensions:
        kind = "images" if item_shape else "labels"
        raise content.error(3, f"{magic[3]} dimensions", f"{dimensions}, a file of {kind}")
    count, *sides = (int.from_bytes(content.read(4, header_bytes), "big") for _ in range(dimensions))
    for axis, (side, wanted) in enumerate(zip(sides, item_shape, strict=True)):
        if side != wanted:
            raise content.error(8 + 4 * axis, f"image side {side}", f"{wanted}, as in images of 28 x 28")
    _check_count(content, count, prod(item_shape))
    return count


def _check_count(content: _Content, count: int, item_bytes: int) -> None:
    if count == 0:
        raise content.error(4, "a count of 0 items", "at least 1")
    most = max(0, content.max_bytes - content.offset) // item_bytes
    if count > most:
        raise content.error(4, f"a count of {count} items", f"at most {most}, as the file is too small for more")


def _read_body(content: _Content, size: int) -> bytearray:
    """Reads the `size` bytes after the header, in pieces; raises DataError if the file is longer or shorter."""
    expected_bytes = content.offset + size
    body = bytearray()
    while len(body) < size:
        body += content.read(min(_CHUNK_BYTES, size - len(body)), expected_bytes)
    if content.stream.read(1):
        raise content.error(expected_bytes, "more bytes", f"the end, because the header claims {expected_bytes} bytes")
    return body


def _check_labels(content: _Content, body_start: int, labels: UInt8Array) -> None:
    wrong = labels >= CLASSES
    if wrong.any():
        first = int(wrong.argmax())
        raise content.error(body_start + first, f"label {labels[first]}", f"a digit in 0..{CLASSES - 1}")
