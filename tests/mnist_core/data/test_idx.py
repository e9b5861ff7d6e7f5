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
from tests.support.idx_files import (
    IMAGES,
    LABELS,
    PACKINGS,
    Array,
    Packing,
    file_contents,
    first_columns,
    idx,
    idx_of,
    plain,
    zipped,
)

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


@pytest.mark.parametrize(
    ("code", "dtype"), [(0x09, "i1"), (0x0B, ">i2"), (0x0C, ">i4")], ids=["int8", "int16", "int32"]
)
@given(labels=LABELS, pack=PACKINGS)
def test_labels_of_any_integer_type_are_read_as_digits(
    scratch: Path, code: int, dtype: str, labels: Array, pack: Packing
) -> None:
    for sizes in ((len(labels),), (len(labels), 1)):
        scratch.write_bytes(pack(idx(sizes, labels.astype(dtype).tobytes(), code)))
        read = read_labels(scratch)
        np.testing.assert_array_equal(read, labels)
        assert read.dtype == np.uint8
        assert not read.flags.writeable


@given(labels=LABELS, pack=PACKINGS)
def test_first_column_of_qmnists_eight_is_read(scratch: Path, labels: Array, pack: Packing) -> None:
    columns = np.full((len(labels), 8), 4000, ">i4")
    columns[:, 0] = labels
    scratch.write_bytes(pack(idx(columns.shape, columns.tobytes(), 0x0C)))
    np.testing.assert_array_equal(read_labels(scratch), labels)


OWN_LABELS = {
    "one-hot": (idx((2, 10), np.eye(10, dtype=np.uint8)[:2].tobytes()), 3, "one-hot", "labels.argmax(axis=1)"),
    "one-hot floats": (idx((1, 10), bytes(40), 0x0D), 3, "one-hot", "labels.argmax(axis=1)"),
    "floats": (idx((3,), bytes(12), 0x0D), 2, "0x0d (float32)", 'labels.astype("uint8")'),
    "doubles": (idx((3,), bytes(24), 0x0E), 2, "0x0e (float64)", 'labels.astype("uint8")'),
    "eight bytes each": (idx((3, 8), bytes(24)), 3, "2 dimensions", "one number for each image"),
    "images": (idx((1, 28, 28), bytes(784)), 3, "3 dimensions", "give the file of labels"),
    "minus one": (idx((2,), bytes([0, 0, 0, 3]) + b"\xff" * 4, 0x0C), 12, "label -1", "that are no digits"),
    "1000 in QMNIST": (idx((1, 8), bytes([0, 0, 3, 232]) + bytes(28), 0x0C), 12, "label 1000", "that are no digits"),
}
OWN_IMAGES = {
    "floats": (idx((1, 28, 28), bytes(3136), 0x0D), 2, "0x0d (float32)", "`* 255` if they are from 0 to 1"),
    "doubles": (idx((1, 28, 28), bytes(6272), 0x0E), 2, "0x0e (float64)", "`* 255` if they are from 0 to 1"),
    "int32": (idx((1, 28, 28), bytes(3136), 0x0C), 2, "0x0c (int32)", 'images.astype("uint8")'),
    "flat": (idx((2, 784), bytes(1568)), 3, "2 dimensions", "reshape your own images to (n, 28, 28)"),
    "with a channel": (idx((2, 1, 28, 28), bytes(1568)), 3, "4 dimensions", "reshape your own images to (n, 28, 28)"),
    "labels": (idx((9,), bytes(9)), 3, "1 dimensions", "give the file of images"),
    "8 x 8": (idx((1, 8, 8), bytes(64)), 8, "image side 8", "scale your own images to 28 x 28"),
    "low byte first": (
        b"\0\0\x08\x03" + bytes([1, 0, 0, 0]) + idx((0, 28, 28), b"")[8:] + bytes(784),
        4,
        "16777216",
        "with the highest byte first",
    ),
}


@pytest.mark.parametrize(
    ("read", "content", "offset", "found", "remedy"),
    [(read_labels, *case) for case in OWN_LABELS.values()] + [(read_images, *case) for case in OWN_IMAGES.values()],
    ids=[f"labels: {name}" for name in OWN_LABELS] + [f"images: {name}" for name in OWN_IMAGES],
)
def test_error_of_ones_own_arrays_names_the_remedy(
    tmp_path: Path, read: Callable[[Path], Array], content: bytes, offset: int, found: str, remedy: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        read(path)
    before, after = str(error.value).split(", expected ")
    assert before.startswith(f"{path}: byte {offset}: found ")
    assert found in before
    assert remedy in after


def test_gzip_inside_gzip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.gz"
    path.write_bytes(zipped(zipped(idx((3,), bytes(3)))))
    with pytest.raises(DataError, match=r"found gzip inside gzip, .*: unpack it once with `gunzip`"):
        read_labels(path)


@pytest.mark.parametrize("read", [read_images, read_labels])
@given(content=file_contents())
def test_any_file_is_read_exactly_or_rejected_in_bounded_memory(
    scratch: Path, read: Callable[[Path], Array], content: bytes
) -> None:
    scratch.write_bytes(content)
    array, peak = peak_bytes(read, scratch)
    compressed = content[:2] == b"\x1f\x8b"
    if array is not None:
        np.testing.assert_array_equal(array, first_columns(gzip.decompress(content) if compressed else content))
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
    "not idx": (b"\xc7\x01\x02\x03 unknown", 0, "0xc701", "0x0000"),
    "a picture": (b"\x89PNG\r\n\x1a\n", 0, "a PNG picture", "0x0000"),
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


LETTERS = ("EMNIST's letters (1 to 26)", "`emnist-digits`")
K49 = ("Kuzushiji-49's characters (0 to 48)", "give KMNIST")
# A file's name, its labels, and what the sentence says of them.
OTHER_LABELS = {
    "letters": ("emnist-letters-train-labels-idx1-ubyte", [3, 26], LETTERS),
    "renamed letters": ("train-labels-idx1-ubyte", [26, 1], LETTERS),
    "balanced": ("emnist-balanced-test-labels-idx1-ubyte", [10], ("EMNIST's balanced digits and letters", "`emnist-")),
    "by merge": ("emnist-bymerge-test-labels-idx1-ubyte", [10], ("EMNIST's digits and letters by merge", "`emnist-")),
    "by class": ("train-labels", [0, 61], ("EMNIST's digits and letters by class", "`emnist-digits`")),
    "K49": ("k49-train-labels", [12], K49),
    "renamed K49": ("labels", [0, 48], K49),
    "1 to 10": ("labels", [10, 1], ("your own labels are 1 to 10", "`labels % 10` if 10 means the digit 0")),
    "unknown": ("labels", [0, 10], ("leave out the images of your own that are no digits", "")),
}


@pytest.mark.parametrize(("name", "labels", "says"), OTHER_LABELS.values(), ids=OTHER_LABELS.keys())
def test_labels_of_other_sets_are_named(tmp_path: Path, name: str, labels: list[int], says: tuple[str, str]) -> None:
    path = tmp_path / name
    path.write_bytes(idx((len(labels),), bytes(labels)))
    with pytest.raises(DataError, match="expected a digit in 0..9: ") as error:
        read_labels(path)
    for words in says:
        assert words in str(error.value)
