"""Writes a dataset as one Arrow IPC file, and maps it into memory without a copy.

Record batch 0 holds the training images, batch 1 the test images. Folders, locks and sources are cache.py's concern.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mnist_core.data.dataset import IMAGE_SIDE, Dataset, LabelledImages, UInt8Array

FORMAT_VERSION = 1

_IMAGE_BYTES = IMAGE_SIDE * IMAGE_SIDE
_FIELDS = [
    pa.field("image", pa.binary(_IMAGE_BYTES), nullable=False),
    pa.field("label", pa.uint8(), nullable=False),
]
_VERSION_KEY = b"mxtrials.format_version"


@dataclass(frozen=True)
class CacheMiss:
    """Why a file cannot be used as a cache; the remedy is always to rewrite it."""

    reason: str


def fingerprint(train: LabelledImages, test: LabelledImages) -> str:
    """Returns the SHA-256 (hex) of training images, training labels, test images and test labels as raw bytes."""
    digest = hashlib.sha256()
    for array in (train.images, train.labels, test.images, test.labels):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def write_dataset(dataset: Dataset, path: Path) -> None:
    """Writes the file and flushes it to disk. Not atomic: pass a temporary name.

    Raises:
        OSError: the file cannot be written.
    """
    schema = _schema(dataset)
    with path.open("wb") as file:
        with pa.ipc.new_file(file, schema) as writer:
            for part in (dataset.train, dataset.test):
                writer.write_batch(pa.record_batch(_columns(part), schema=schema))
        file.flush()
        os.fsync(file.fileno())


def map_dataset(path: Path) -> Dataset | CacheMiss:
    """Maps the file into memory and checks every byte of its images and labels against the fingerprint.

    Returns:
        the dataset, whose arrays are read-only views that keep the file mapped; or why the file cannot be used.
    """
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        version = (reader.schema.metadata or {}).get(_VERSION_KEY)
        if version != b"%d" % FORMAT_VERSION:
            return CacheMiss(f"its format version is {version!r}, not {FORMAT_VERSION}")
        if reader.num_record_batches != 2 or not reader.schema.equals(pa.schema(_FIELDS)):
            return CacheMiss("its columns are not those of a dataset")
        train, test = (_views(reader.get_batch(number)) for number in range(2))
    except (OSError, ValueError, pa.ArrowException) as err:
        return CacheMiss(f"it cannot be read ({err})")
    dataset = Dataset(train, test, fingerprint(train, test))
    if not reader.schema.equals(_schema(dataset), check_metadata=True):
        return CacheMiss("its content differs from its checksum")
    return dataset


def _schema(dataset: Dataset) -> pa.Schema:
    metadata = {
        _VERSION_KEY: b"%d" % FORMAT_VERSION,
        b"mxtrials.train_count": b"%d" % len(dataset.train),
        b"mxtrials.test_count": b"%d" % len(dataset.test),
        b"mxtrials.fingerprint": dataset.fingerprint.encode(),
    }
    return pa.schema(_FIELDS, metadata=metadata)


def _columns(part: LabelledImages) -> list[pa.Array]:
    return [
        pa.Array.from_buffers(field.type, len(part), [None, pa.py_buffer(np.ascontiguousarray(array))])
        for field, array in zip(_FIELDS, (part.images, part.labels), strict=True)
    ]


def _views(batch: Any) -> LabelledImages:
    """Returns views of a pa.RecordBatch, without a copy; raises ValueError if a buffer is too short for its rows."""
    batch.validate()
    images = _view(batch.column(0), _IMAGE_BYTES).reshape(-1, IMAGE_SIDE, IMAGE_SIDE)  # (N, 28, 28)
    return LabelledImages(images, _view(batch.column(1), 1))


def _view(column: Any, item_bytes: int) -> UInt8Array:
    return np.frombuffer(column.buffers()[1], dtype=np.uint8, count=len(column) * item_bytes)
