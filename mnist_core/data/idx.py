"""Reads IDX files of 28 x 28 images and of digit labels, and rejects every deviation from the format.

Files are untrusted: a file's size, not its header, bounds the memory that is allocated.
"""

import gzip
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from mnist_core.data.dataset import CLASSES, IMAGE_SIDE, UInt8Array
from mnist_core.data.other_formats import HEAD_BYTES, recognise_format, recognise_labels
from mnist_core.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"
_UINT8_CODE = 0x08
_INT32_CODE = 0x0C
# The format's data types; the highest byte of each number comes first.
_DTYPES: dict[int, np.dtype[Any]] = {
    _UINT8_CODE: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    _INT32_CODE: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
# QMNIST keeps eight int32 numbers for each image, of which the first is the digit.
_QMNIST_COLUMNS = 8
_UNDAMAGED = "get an undamaged MNIST file"
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
    with _open(path) as content:
        dtype, shape = _read_header(content, _check_images, dimensions=3)
        images = _read_items(content, dtype, shape)
    images.flags.writeable = False
    return images


def read_labels(path: Path) -> UInt8Array:
    """Reads an IDX file of digit labels, plain or gzip, whatever its name.

    The labels may be integers of any type; of QMNIST's eight columns, the first is read.

    Returns:
        (N,) uint8 in 0..9, N >= 1, read-only.

    Raises:
        DataError: the file cannot be read, or is not exactly an IDX file of labels in 0..9.
    """
    with _open(path) as content:
        dtype, shape = _read_header(content, _check_labels, dimensions=1)
        body_start = content.offset
        columns = prod(shape[1:])
        digits = _read_items(content, dtype, (shape[0], columns))[:, 0]  # (N,)
        wrong = (digits < 0) | (digits >= CLASSES)
        if wrong.any():
            first = int(wrong.argmax())
            offset = body_start + first * columns * dtype.itemsize
            remedy = recognise_labels(path.name, int(digits.min()), int(digits.max()))
            raise content.error(offset, f"label {digits[first]}", f"a digit in 0..{CLASSES - 1}", remedy)
    labels = np.ascontiguousarray(digits, np.uint8)
    labels.flags.writeable = False
    return labels


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

    def error(self, offset: int, found: str, expected: str, remedy: str = _UNDAMAGED) -> DataError:
        """Returns the error for what was found at `offset`."""
        where = f"byte {offset} of the uncompressed content" if self.compressed else f"byte {offset}"
        return DataError(f"{self.path}: {where}: found {found}, expected {expected}: {remedy}")


Check = Callable[[_Content, int, tuple[int, ...]], None]
"""Raises DataError if a file with this data type and these sizes does not hold what is wanted."""


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


def _read_header(content: _Content, check: Check, dimensions: int) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Returns the type and the shape of a file's items, of which there are at most as many as its size allows."""
    magic = content.read(4, 4 + 4 * dimensions)
    if magic[:2] != b"\0\0":
        found = recognise_format(magic + content.stream.read(HEAD_BYTES - len(magic)))
        expected = "0x0000, the start of an IDX file"
        if found is None:
            raise content.error(0, f"0x{magic[:2].hex()}", expected)
        raise content.error(0, found.name, expected, found.remedy)
    code, rank = magic[2:]
    if code not in _DTYPES:
        raise content.error(2, f"data type 0x{code:02x}", f"0x{_UINT8_CODE:02x}, unsigned bytes")
    if not 1 <= rank <= 4:
        raise content.error(3, f"{rank} dimensions", f"{dimensions}")
    header_bytes = 4 + 4 * rank
    shape = tuple(int.from_bytes(content.read(4, header_bytes), "big") for _ in range(rank))
    check(content, code, shape)
    _check_count(content, shape[0], _DTYPES[code].itemsize * prod(shape[1:]))
    return _DTYPES[code], shape


def _check_images(content: _Content, code: int, shape: tuple[int, ...]) -> None:
    found_type = f"data type 0x{code:02x} ({_DTYPES[code].name})"
    if len(shape) != 3:
        remedy = f"reshape your own images to (n, {IMAGE_SIDE}, {IMAGE_SIDE})"
        if len(shape) == 1:
            remedy = "this is a file of labels: give the file of images under this name"
        raise content.error(3, f"{len(shape)} dimensions", "3, a file of images", remedy)
    if code != _UINT8_CODE:
        remedy = 'write your own images as whole numbers from 0 to 255 with `images.astype("uint8")`'
        if _DTYPES[code].kind == "f":
            remedy = 'write your own images as `images.astype("uint8")`, after `* 255` if they are from 0 to 1'
        raise content.error(2, found_type, f"0x{_UINT8_CODE:02x}, unsigned bytes", remedy)
    for axis, side in enumerate(shape[1:]):
        if side != IMAGE_SIDE:
            remedy = f"scale your own images to {IMAGE_SIDE} x {IMAGE_SIDE} pixels"
            raise content.error(
                8 + 4 * axis, f"image side {side}", f"{IMAGE_SIDE}, as in images of {IMAGE_SIDE} x {IMAGE_SIDE}", remedy
            )


def _check_labels(content: _Content, code: int, shape: tuple[int, ...]) -> None:
    columns = prod(shape[1:])
    found_type = f"data type 0x{code:02x} ({_DTYPES[code].name})"
    if len(shape) == 2 and columns == CLASSES:
        remedy = 'write your own labels as digits, with `labels.argmax(axis=1).astype("uint8")`'
        raise content.error(3, f"2 dimensions, (n, {CLASSES}), probably one-hot labels", "1, a file of labels", remedy)
    is_qmnist = len(shape) == 2 and (code, columns) == (_INT32_CODE, _QMNIST_COLUMNS)
    if len(shape) > 1 and columns != 1 and not is_qmnist:
        remedy = "write your own labels as one number for each image"
        if len(shape) > 2:
            remedy = "this is a file of images: give the file of labels under this name"
        raise content.error(3, f"{len(shape)} dimensions", "1, a file of labels", remedy)
    if _DTYPES[code].kind == "f":
        remedy = 'write your own labels with `labels.astype("uint8")`'
        raise content.error(2, found_type, f"0x{_UINT8_CODE:02x}, unsigned bytes", remedy)


def _check_count(content: _Content, count: int, item_bytes: int) -> None:
    if count == 0:
        raise content.error(4, "a count of 0 items", "at least 1")
    most = max(0, content.max_bytes - content.offset) // item_bytes
    if count <= most:
        return
    reversed_count = int.from_bytes(count.to_bytes(4, "big"), "little")
    remedy = "write the sizes of your own files with the highest byte first" if reversed_count <= most else _UNDAMAGED
    raise content.error(4, f"a count of {count} items", f"at most {most}, as the file is too small for more", remedy)


def _read_items(content: _Content, dtype: np.dtype[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Reads the items after the header, in pieces; raises DataError if the file is longer or shorter."""
    size = dtype.itemsize * prod(shape)
    expected_bytes = content.offset + size
    body = bytearray()
    while len(body) < size:
        body += content.read(min(_CHUNK_BYTES, size - len(body)), expected_bytes)
    if content.stream.read(1):
        raise content.error(expected_bytes, "more bytes", f"the end, because the header claims {expected_bytes} bytes")
    return np.frombuffer(body, dtype).reshape(shape)
