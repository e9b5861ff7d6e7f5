"""Packs what a training needs to continue into bytes with a checksum, without pickle. Writes no files."""

import hashlib
import io
import zipfile
from dataclasses import dataclass

import numpy as np

from mnist_core.errors import CheckpointError
from mnist_core.model.parameters import Vector

_MAGIC = b"mxtrials-state-1\n"
_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class TrainingState:
    """The state of a training after a whole number of epochs.

    Attributes:
        epoch: number of epochs trained.
        elapsed_s: seconds spent on them.
        weights: (P,) float32, the flat vector of parameters.Layout.
        optimizer: the optimizer's flat vectors, each (P,) float32.
    """

    epoch: int
    elapsed_s: float
    weights: Vector
    optimizer: tuple[Vector, ...]


def pack(state: TrainingState) -> bytes:
    """Returns the state as bytes: a magic line, the SHA-256 of the rest, and a numpy archive."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        epoch=np.int64(state.epoch),
        elapsed_s=np.float64(state.elapsed_s),
        weights=state.weights,
        optimizer=np.array(state.optimizer, np.float32).reshape(len(state.optimizer), len(state.weights)),
    )
    body = buffer.getvalue()
    return _MAGIC + hashlib.sha256(body).digest() + body


def unpack(data: bytes) -> TrainingState:
    """Returns the state that was packed.

    Raises:
        CheckpointError: the bytes are not a complete, undamaged state.
    """
    body = data[len(_MAGIC) + _DIGEST_BYTES :]
    if not data.startswith(_MAGIC):
        raise CheckpointError(f"not a training state: it begins with {data[:16]!r}, expected {_MAGIC!r}")
    if hashlib.sha256(body).digest() != data[len(_MAGIC) : len(_MAGIC) + _DIGEST_BYTES]:
        raise CheckpointError(f"damaged training state: the checksum of its {len(body)} bytes does not match")
    try:
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return TrainingState(
                int(arrays["epoch"]), float(arrays["elapsed_s"]), arrays["weights"], tuple(arrays["optimizer"])
            )
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as err:
        raise CheckpointError(f"damaged training state: {err}") from err
