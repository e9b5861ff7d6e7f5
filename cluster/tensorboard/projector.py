"""Writes the files of TensorBoard's Projector page: points, their labels, and their images in one sprite."""

import io
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cluster.tensorboard.event_files import EventWriter
from mnist_core.data.dataset import IMAGE_SIDE, FloatArray, LabelledImages, UInt8Array

CONFIG, POINTS, LABELS, SPRITE = "projector_config.pbtxt", "projector_points.tsv", "projector_labels.tsv", "sprite.png"
NAME = "last hidden layer"


def write_projector(
    folder: Path, features: FloatArray, images: LabelledImages, read: npt.NDArray[np.int64], writer: EventWriter
) -> None:
    """Writes the embedding of a run.

    Args:
        folder: of the run.
        features: (m, width) float32, one row for each of the first m images.
        images: the images, with their labels.
        read: (n,) the digits that the network reads.
        writer: notices if a file cannot be written.
    """
    count = len(features)
    rows = zip(images.labels[:count], read[:count], strict=True)
    # The page labels the points by the last column.
    cells = [("right", "read", "label"), *(("yes" if label == guess else "no", guess, label) for label, guess in rows)]
    writer.write(folder / POINTS, _tsv(features))
    writer.write(folder / LABELS, "".join("\t".join(map(str, row)) + "\n" for row in cells).encode())
    writer.write(folder / SPRITE, _sprite(images.images[:count]))
    writer.write(folder / CONFIG, _config().encode())  # last: TensorBoard reads the others because of it


def _tsv(features: FloatArray) -> bytes:
    """Returns the points as text, which is what TensorBoard reads; three digits are more than one sees."""
    output = io.BytesIO()
    np.savetxt(output, features, fmt="%.3g", delimiter="\t")
    return output.getvalue()


def _sprite(images: UInt8Array) -> bytes:
    """Returns the images as one square picture, row by row, as the page expects them."""
    side = math.ceil(math.sqrt(len(images)))
    tiles = np.zeros((side * side, IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    tiles[: len(images)] = images
    rows = tiles.reshape(side, side, IMAGE_SIDE, IMAGE_SIDE).swapaxes(1, 2)
    output = io.BytesIO()
    Image.fromarray(255 - rows.reshape(side * IMAGE_SIDE, side * IMAGE_SIDE)).save(output, "PNG")
    return output.getvalue()


def _config() -> str:
    return (
        f'embeddings {{\n  tensor_name: "{NAME}"\n  tensor_path: "{POINTS}"\n  metadata_path: "{LABELS}"\n'
        f'  sprite {{\n    image_path: "{SPRITE}"\n'
        f"    single_image_dim: {IMAGE_SIDE}\n    single_image_dim: {IMAGE_SIDE}\n  }}\n}}\n"
    )
