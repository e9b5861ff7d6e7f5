"""Finds the four IDX files of a data source, in the package or in a user's folder, and reads them together.

Owns which of them belong together; idx_names.py owns their names, idx.py the format of each.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from mnist_core.data.dataset import LabelledImages, UInt8Array
from mnist_core.data.idx import read_images, read_labels
from mnist_core.data.idx_names import CANONICAL_NAMES, find_named_files
from mnist_core.data.other_formats import recognise_data_set
from mnist_core.errors import DataError

BUNDLED = "bundled"

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
            names, each with or without `.gz`, or under those that other tools give them. If a folder has both, the
            plain file is read.

    Raises:
        DataError: there is no such folder, a file is missing, or there are several sets of four.
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
    return IdxFiles(*(stack.enter_context(resources.as_file(data / f"{name}.gz")) for name in CANONICAL_NAMES))


def _files_in(folder: Path) -> IdxFiles:
    if not folder.is_dir():
        raise DataError(f"data folder {folder} {_what_it_is(folder)}, or use `{BUNDLED}`")
    return IdxFiles(*find_named_files(folder))


def _what_it_is(path: Path) -> str:
    """Returns what a path is that is no folder, and what to give instead."""
    if not path.exists():
        return "does not exist: give a folder with the four IDX files"
    if (other := recognise_data_set(path.name)) is not None:
        return f"is not a folder but {other.name}: {other.remedy}"
    return "is not a folder: give the one with the four IDX files"


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
    images = _read_file(read_images, images_path)
    labels = _read_file(read_labels, labels_path)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path} has {len(images)} images, but {labels_path.name} beside it has {len(labels)} labels: "
            "give two files that belong together"
        )
    return LabelledImages(images, labels)


def _read_file(read: Callable[[Path], UInt8Array], path: Path) -> UInt8Array:
    """Reads a file; if it is malformed and a good one is beside it under the same name with `.gz`, says so."""
    try:
        return read(path)
    except DataError as err:
        packed = path.with_name(f"{path.name}.gz")
        if not packed.is_file():
            raise
        with suppress(DataError):
            read(packed)
            err = DataError(f"{err}; or delete it, and {packed.name} beside it, which is undamaged, will be read")
        raise err from None
