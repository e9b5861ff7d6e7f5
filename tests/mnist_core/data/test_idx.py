"""The IDX reader returns the exact content of a valid file and raises DataError for any other, in bounded memory."""

import gzip
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from mnist_core.data.idx import read_images, read_labels
from mnist_core.errors import DataError
from tests.support.idx_files import IMAGES, LABELS, PACKINGS, Array, Packing, file_contents, idx, idx_of, plain, zipped

OVERHEAD_BYTES = 300_000


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idx") / "file"


def peak_bytes(read: Callable[[Path], Array], path: Path) -> tuple[Array | None, int]:
    """Returns what was read, or None if it was rejected, and the peak of memory."""
    tracemalloc.start()
    try:
        return read(path), tracemalloc.get_traced_memory()[1]
    except DataError:
        return None, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@given(images=IMAGES, pack=PACKINGS)
def test_images_read_equal_the_images_written(scratch: Path, images: Array, pack: Packing) -> None:
    scratch.write_bytes(pack(idx_of(images)))
    read = read_images(scratch)
    np.testing.assert_array_equal(read, images)
    assert read.dtype == np.uint8
    assert not read.flags.writeable


@given(labels=LABELS, pack=PACKINGS)
def test_labels_read_equal_the_labels_written(scratch: Path, labels: Array, pack: Packing) -> None:
    scratch.write_bytes(pack(idx_of(labels)))
    np.testing.assert_array_equal(read_labels(scratch), labels)


@pytest.mark.parametrize("read", [read_images, read_labels])
@given(content=file_contents())
def test_any_file_is_read_exactly_or_rejected_in_bounded_memory(
    scratch: Path, read: Callable[[Path], Array], content: bytes
) -> None:
    scratch.write_bytes(content)
    array, peak = peak_bytes(read, scratch)
    compressed = content[:2] == b"\x1f\x8b"
    if array is not None:
        assert idx_of(array) == (gzip.decompress(content) if compressed else content)
    assert peak <= 3 * len(content) * (1032 if compressed else 1) + OVERHEAD_BYTES


@pytest.mark.parametrize("name", ["images.gz", "images"])
@pytest.mark.parametrize("pack", [plain, zipped])
def test_compression_is_recognised_by_content_not_by_name(tmp_path: Path, name: str, pack: Packing) -> None:
    (tmp_path / name).write_bytes(pack(idx((1, 28, 28), bytes(784))))
    assert read_images(tmp_path / name).shape == (1, 28, 28)


def test_gzip_of_several_members_is_read_as_one_file(tmp_path: Path) -> None:
    content = idx((3,), bytes([1, 2, 3]))
    (tmp_path / "labels").write_bytes(zipped(content[:9]) + zipped(content[9:]))
    assert read_labels(tmp_path / "labels").tolist() == [1, 2, 3]


BAD_IMAGES = {
    "empty": (b"", 0, "the end", "16 bytes"),
    "header cut": (idx((1, 28), b"", dimensions=3), 12, "the end", "16 bytes"),
    "not idx": (b"\x89PNG\r\n\x1a\n", 0, "0x8950", "0x0000"),
    "floats": (idx((1, 28, 28), bytes(784), dtype=13), 2, "data type 0x0d", "0x08"),
    "labels": (idx((784,), bytes(784)), 3, "1 dimensions", "3"),
    "no items": (idx((0, 28, 28), b""), 4, "0 items", "at least 1"),
    "too many items": (idx((2**32 - 1, 28, 28), bytes(784)), 4, "4294967295 items", "at most 1"),
    "height 32": (idx((1, 32, 28), bytes(896)), 8, "32", "28"),
    "width 32": (idx((1, 28, 32), bytes(896)), 12, "32", "28"),
    "body cut": (idx((2, 28, 28), bytes(784 + 700)), 4, "2 items", "at most 1"),
    "trailing byte": (idx((1, 28, 28), bytes(785)), 800, "more bytes", "800 bytes"),
}


@pytest.mark.parametrize(("content", "offset", "found", "expected"), BAD_IMAGES.values(), ids=BAD_IMAGES.keys())
def test_error_of_images_names_file_offset_found_and_expected(
    tmp_path: Path, content: bytes, offset: int, found: str, expected: str
) -> None:
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_images(path)
    before, after = str(error.value).split(", expected ")
    assert before.startswith(f"{path}: byte {offset}: found ")
    assert found in before
    assert expected in after
    assert "\n" not in str(error.value)


BAD_ZIPPED_LABELS = {
    "body cut": (zipped(idx((9,), bytes(5))), 13, "found the end, expected 17 bytes"),
    "trailing byte": (zipped(idx((9,), bytes(10))), 17, "found more bytes, expected the end"),
    "label 10": (zipped(idx((3,), bytes([1, 2, 10]))), 10, "found label 10, expected a digit in 0..9"),
    "stream cut": (zipped(idx((9,), bytes(9)))[:-9], 17, "damaged gzip stream"),
    "wrong check sum": (zipped(idx((9,), bytes(9)))[:-8] + bytes(8), 17, "damaged gzip stream (CRC check failed"),
    "only the magic": (b"\x1f\x8b", 0, "damaged gzip stream"),
    "trailing garbage": (zipped(idx((9,), bytes(9))) + b"garbage", 17, "damaged gzip stream"),
}


@pytest.mark.parametrize(("content", "offset", "says"), BAD_ZIPPED_LABELS.values(), ids=BAD_ZIPPED_LABELS.keys())
def test_error_of_gzip_names_the_offset_in_the_uncompressed_content(
    tmp_path: Path, content: bytes, offset: int, says: str
) -> None:
    path = tmp_path / "labels.gz"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_labels(path)
    assert f"{path}: byte {offset} of the uncompressed content: " in str(error.value)
    assert says in str(error.value)


def test_gzip_bomb_is_read_no_further_than_the_claimed_length(tmp_path: Path) -> None:
    path = tmp_path / "labels.gz"
    path.write_bytes(zipped(idx((3,), bytes(64_000_000))))
    labels, peak = peak_bytes(read_labels, path)
    assert labels is None
    assert peak < OVERHEAD_BYTES


def test_gzip_that_claims_more_than_deflate_can_contain_is_rejected_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(zipped(idx((60_000, 28, 28), bytes(784))))
    with pytest.raises(DataError, match="found a count of 60000 items, expected at most"):
        read_images(path)


def test_folder_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found a folder, expected an IDX file"):
        read_images(tmp_path)


def test_pipe_is_rejected_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="found a device, pipe or socket"):
        read_labels(tmp_path / "pipe")


def test_missing_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_labels(tmp_path / "absent")
