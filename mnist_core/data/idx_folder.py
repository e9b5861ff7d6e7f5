"""Finds the four IDX files of a data source, in the package or in a user's folder, and reads them together.

Owns their names and which belong together; idx.py owns the format of each.
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from mnist_core.data.dataset import LabelledImages
from mnist_core.data.idx import read_images, read_labels
from mnist_core.errors import DataError

BUNDLED = "bundled"

_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class IdxFiles:
    """The paths of the four files, each plain or gzip."""

    train_images: Path
    train_labels: Path
    test_images: Path
    test_labels: Path

    def digest(self) -> str:
        """Returns the SHA-256 (hex) of the four files as they are on disk; equal digests mean equal content.

        Raises:
            DataError: a file cannot be read.
        """
        files = (self.train_images, self.train_labels, self.test_images, self.test_labels)
        return hashlib.sha256(b"".join(_file_digest(file) for file in files)).hexdigest()

    def read(self) -> tuple[LabelledImages, LabelledImages]:
        """Reads the training and the test images.

        Raises:
            DataError: a file is malformed, or images and labels differ in number.
        """
        train = _read_pair(self.train_images, self.train_labels)
        return train, _read_pair(self.test_images, self.test_labels)


@contextmanager
def find_idx_files(source: str | Path) -> Iterator[IdxFiles]:
    """Finds the four files; they are guaranteed to exist only inside the `with` block.

    Args:
        source: "bundled" for MNIST as it comes with the package, or a folder with the four files under their canonical
            names, each with or without `.gz`. If a folder has both, the plain file is read.

    Raises:
        DataError: there is no such folder, or a file is missing.
    """
    with ExitStack() as stack:
        try:
            files = _bundled_files(stack) if source == BUNDLED else _files_in(Path(source).expanduser())
        except (OSError, RuntimeError) as err:
            raise DataError(f"data folder {source} cannot be read ({err}): give a folder that you can read") from err
        yield files


def _bundled_files(stack: ExitStack) -> IdxFiles:
    # In a zipped package the files have no paths: as_file unpacks them until the stack is closed.
    data = resources.files("mnist_core") / "data" / "bundled"
    return IdxFiles(*(stack.enter_context(resources.as_file(data / f"{name}.gz")) for name in _NAMES))


def _files_in(folder: Path) -> IdxFiles:
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"data folder {folder} {what}: give a folder with the four IDX files, or `{BUNDLED}`")
    return IdxFiles(*(_find(folder, name) for name in _NAMES))


def _find(folder: Path, name: str) -> Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise DataError(f"data folder {folder} has no file {name} (or {name}.gz): put it there, or use `{BUNDLED}`")


def _file_digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_CHUNK_BYTES):
                digest.update(piece)
    except OSError as err:
        raise DataError(f"{path}: cannot be read ({err.strerror}): give an IDX file that you can read") from err
    return digest.digest()


def _read_pair(images_path: Path, labels_path: Path) -> LabelledImages:
    images = read_images(images_path)
    labels = read_labels(labels_path)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} has {len(images)} images, but {labels_path.name} beside it has {len(labels)} labels: "
            "give two files that belong together"
        )
    return LabelledImages(images, labels)
