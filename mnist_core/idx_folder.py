"""Finds the four IDX files of a data source, in the package or in a folder of the user's, and reads them together.

Knows their names and that they belong together; idx.py knows what is inside one.
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from mnist_core.dataset import LabelledImages
from mnist_core.errors import DataError
from mnist_core.idx import read_images, read_labels

BUNDLED = "bundled"
TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"


@dataclass(frozen=True)
class IdxFiles:
    """The paths of the four files, each plain or gzip."""

    train_images: Path
    train_labels: Path
    test_images: Path
    test_labels: Path

    def digest(self) -> str:
        """SHA-256 (hex) of the four files as they are on disk: the same digest, the same content.

        Raises:
            DataError: a file cannot be read.
        """
        files = (self.train_images, self.train_labels, self.test_images, self.test_labels)
        return hashlib.sha256(b"".join(_file_digest(file) for file in files)).hexdigest()

    def read(self) -> tuple[LabelledImages, LabelledImages]:
        """The training and the test images.

        Raises:
            DataError: a file is malformed, or images and labels differ in number.
        """
        train = _read_pair(self.train_images, self.train_labels)
        return train, _read_pair(self.test_images, self.test_labels)


@contextmanager
def find_idx_files(source: str | Path) -> Iterator[IdxFiles]:
    """Finds the four files; they are sure to exist only inside the `with` block.

    Args:
        source: "bundled" for MNIST as it comes with the package, or a folder that holds the four files under their
            canonical names, each with or without `.gz`. Where a folder holds both, the plain file is read.

    Raises:
        DataError: there is no such folder, or it lacks a file.
    """
    names = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
    if source != BUNDLED:
        folder = Path(source).expanduser()
        _check_folder(folder)
        yield IdxFiles(*(_find(folder, name) for name in names))
        return
    with ExitStack() as stack:
        data = resources.files("mnist_core") / "data"
        # A package inside a zip file has no paths: as_file unpacks the files for as long as the block lasts.
        yield IdxFiles(*(stack.enter_context(resources.as_file(data / f"{name}.gz")) for name in names))


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"data folder {folder} {what}: give a folder with the four IDX files, or `{BUNDLED}`")


def _find(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.exists():
            return candidate
    raise DataError(f"data folder {folder} lacks {name} (or {name}.gz): put that IDX file there, or use `{BUNDLED}`")


def _file_digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as err:
        raise DataError(f"{path}: cannot be read ({err.strerror}): give an IDX file that you may read") from err


def _read_pair(images_path: Path, labels_path: Path) -> LabelledImages:
    images, labels = read_images(images_path), read_labels(labels_path)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} holds {len(images)} images, but {labels_path.name} beside it holds {len(labels)} labels: "
            "give two files that belong together"
        )
    return LabelledImages(images, labels)
