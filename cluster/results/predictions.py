"""What the best trial of each kind of network predicts for the test images, as a Parquet table in the run directory.

The probabilities of all images: reports, and whoever reads the table with pandas, need no second forward pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from mnist_core.atomic_file import write_atomically
from mnist_core.config import CLASS_NAMES

Probabilities = npt.NDArray[np.float32]

_LARGEST_FILE = 1 << 30


@dataclass(frozen=True)
class TestPredictions:
    """What one network predicts for the test images, in the order of the test set.

    Attributes:
        trial: the trial's number.
        model: the kind of network.
        labels: (n,) uint8 digits.
        probabilities: head name -> (n, classes) float32.
    """

    trial: int
    model: str
    labels: npt.NDArray[np.uint8]
    probabilities: Mapping[str, Probabilities]

    __test__ = False  # not a test class, whatever pytest thinks of the name


def write_predictions(path: Path, predictions: Sequence[TestPredictions]) -> None:
    """Writes a table with one row for each network and test image, replacing an earlier one.

    Its columns: `trial`, `model`, `image` (index in the test set), `label`, and for each class of each head a
    probability, such as `digit_7` or `parity_odd`; null if the network has no such head.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    table = pa.concat_tables([_table(each) for each in predictions])
    buffer = pa.BufferOutputStream()
    columns = _probability_columns()
    encodings = dict.fromkeys(columns, "BYTE_STREAM_SPLIT")
    pq.write_table(
        table, buffer, compression="zstd", use_dictionary=["model"], column_encoding=encodings, write_statistics=False
    )
    write_atomically(path, buffer.getvalue().to_pybytes())


def read_predictions(path: Path) -> list[TestPredictions]:
    """Reads the table; [] if it is missing or damaged, because it can be computed again from the final weights."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return []
        table = pq.ParquetFile(path).read()  # read_table would import pyarrow.dataset, and with it pandas
        trials = np.asarray(table["trial"])
        return [_predictions(table.filter(pa.array(trials == number))) for number in dict.fromkeys(trials.tolist())]
    except (OSError, KeyError, ValueError, pa.ArrowException):
        return []


def _table(each: TestPredictions) -> pa.Table:
    count = len(each.labels)
    columns: dict[str, pa.Array] = {
        "trial": pa.array(np.full(count, each.trial, np.int64)),
        "model": pa.array([each.model] * count, pa.string()),
        "image": pa.array(np.arange(count, dtype=np.int64)),
        "label": pa.array(each.labels.astype(np.int64)),
    }
    for column, (head, number) in _probability_columns().items():
        output = each.probabilities.get(head)
        missing = pa.nulls(count, pa.float32())
        columns[column] = missing if output is None else pa.array(output[:, number].astype(np.float32))
    return pa.table(columns)


def _predictions(rows: pa.Table) -> TestPredictions:
    probabilities: dict[str, Probabilities] = {}
    for head, names in CLASS_NAMES.items():
        columns = [rows[f"{head}_{name}"] for name in names]
        if not any(column.null_count for column in columns):
            probabilities[head] = np.stack([np.asarray(column, np.float32) for column in columns], axis=1)
    return TestPredictions(
        int(rows["trial"][0].as_py()),
        str(rows["model"][0].as_py()),
        np.asarray(rows["label"]).astype(np.uint8),
        probabilities,
    )


def _probability_columns() -> dict[str, tuple[str, int]]:
    """Returns column -> head and class, the same in every study."""
    return {
        f"{head}_{name}": (head, number) for head, names in CLASS_NAMES.items() for number, name in enumerate(names)
    }
