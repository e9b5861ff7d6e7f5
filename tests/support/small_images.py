"""A small part of MNIST, 256 training and 128 test images, in memory and as IDX files."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_core.data.arrow_file import fingerprint
from mnist_core.data.dataset import Dataset, LabelledImages

SMALL_TRAIN, SMALL_TEST = 256, 128


def small_cut(dataset: Dataset) -> Dataset:
    """Returns the first training and test images without copying them."""
    train, test = _first(dataset.train, SMALL_TRAIN), _first(dataset.test, SMALL_TEST)
    return Dataset(train, test, fingerprint(train, test))


def write_idx_files(dataset: Dataset, folder: Path) -> None:
    """Writes a dataset as four plain IDX files."""
    for prefix, part in (("train", dataset.train), ("t10k", dataset.test)):
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(idx_bytes(part.images))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(idx_bytes(part.labels))


def _first(part: LabelledImages, count: int) -> LabelledImages:
    return LabelledImages(part.images[:count], part.labels[:count])


def idx_bytes(array: npt.NDArray[np.uint8]) -> bytes:
    """Returns the content of an IDX file with this array."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()
