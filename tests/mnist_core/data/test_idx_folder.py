"""Finding the four IDX files: the bundled ones are the original MNIST; a user's folder is read or clearly rejected."""

import gzip
import hashlib
import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data.dataset import Dataset
from mnist_core.data.idx_folder import find_idx_files
from mnist_core.errors import DataError

ORIGINAL_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = ORIGINAL_SHA256


@pytest.fixture
def folder(small_idx_folder: Path, tmp_path: Path) -> Path:
    """A folder with 256 + 128 images, for one test only."""
    return shutil.copytree(small_idx_folder, tmp_path / "idx")


def read(source: str | Path) -> tuple[int, int]:
    with find_idx_files(source) as files:
        train, test = files.read()
    return len(train), len(test)


def digest(source: str | Path) -> str:
    with find_idx_files(source) as files:
        return files.digest()


@pytest.mark.parametrize("name", ORIGINAL_SHA256)
def test_bundled_file_is_the_original(name: str) -> None:
    packed = (resources.files("mnist_core") / "data" / "bundled" / f"{name}.gz").read_bytes()
    assert hashlib.sha256(gzip.decompress(packed)).hexdigest() == ORIGINAL_SHA256[name]


def test_bundled_attribution_names_authors_licence_and_digests() -> None:
    text = (resources.files("mnist_core") / "data" / "bundled" / "README.md").read_text()
    for wanted in (
        "Yann LeCun",
        "Corinna Cortes",
        "Christopher J. C. Burges",
        "CC BY-SA 3.0",
        *ORIGINAL_SHA256.values(),
    ):
        assert wanted in text


def test_images_read_are_those_in_the_files(folder: Path, small_dataset: Dataset) -> None:
    with find_idx_files(folder) as files:
        train, test = files.read()
    np.testing.assert_array_equal(train.images, small_dataset.train.images)
    np.testing.assert_array_equal(train.labels, small_dataset.train.labels)
    np.testing.assert_array_equal(test.images, small_dataset.test.images)
    np.testing.assert_array_equal(test.labels, small_dataset.test.labels)


def test_folder_of_plain_and_gzip_files_is_read(folder: Path) -> None:
    plain = folder / TRAIN_LABELS
    (folder / f"{TRAIN_LABELS}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert read(str(folder)) == (256, 128)


def test_plain_file_is_preferred_to_gzip(folder: Path) -> None:
    (folder / f"{TRAIN_LABELS}.gz").write_bytes(b"never read")
    assert read(folder) == (256, 128)


@pytest.mark.parametrize("name", ORIGINAL_SHA256)
def test_missing_file_is_named_with_its_folder(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"{folder} has no file {name} "):
        read(folder)


def test_file_that_is_a_folder_counts_as_missing(folder: Path) -> None:
    (folder / TEST_LABELS).unlink()
    (folder / TEST_LABELS).mkdir()
    with pytest.raises(DataError, match=f"has no file {TEST_LABELS} "):
        read(folder)


def test_missing_folder_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"data folder {tmp_path}/absent does not exist: give a folder"):
        read(tmp_path / "absent")


def test_folder_that_is_a_file_is_rejected(folder: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        read(folder / TEST_LABELS)


@pytest.mark.parametrize("source", ["~no-such-user/mnist", "nul\0byte", "n" * 5000], ids=["user", "nul", "long"])
def test_impossible_folder_name_is_rejected(source: str) -> None:
    with pytest.raises(DataError, match="data folder"):
        read(source)


def test_images_and_labels_of_different_number_are_rejected(folder: Path) -> None:
    shutil.copy(folder / TEST_LABELS, folder / TRAIN_LABELS)
    with pytest.raises(DataError, match=f"{TRAIN_IMAGES} has 256 images, but {TRAIN_LABELS} beside it has 128"):
        read(folder)


def test_digest_changes_with_one_bit_of_any_file(folder: Path) -> None:
    digests = [digest(folder)]
    for name in ORIGINAL_SHA256:
        content = bytearray((folder / name).read_bytes())
        content[-1] ^= 1
        (folder / name).write_bytes(content)
        digests.append(digest(folder))
    assert len(set(digests)) == 5


def test_digest_of_the_same_content_elsewhere_is_the_same(folder: Path, small_idx_folder: Path) -> None:
    assert digest(folder) == digest(small_idx_folder)
