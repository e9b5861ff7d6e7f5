"""What the best networks predict, and their layers: read back as they were written, or not at all."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from cluster.results.networks import read_networks, write_networks
from cluster.results.predictions import TestPredictions, read_predictions, write_predictions
from mnist_core.model.layers import Layer

LAYER = Layer("fc1", "FullyConnected", "", ("flatten",), (10,), 7850, 15680)


def predictions(trial: int, heads: dict[str, int]) -> TestPredictions:
    rng = np.random.default_rng(trial)
    outputs = {head: rng.random((20, classes), dtype=np.float32) for head, classes in heads.items()}
    return TestPredictions(trial, "mlp", rng.integers(0, 10, 20).astype(np.uint8), outputs)


def test_predictions_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = [predictions(3, {"digit": 10}), predictions(1, {"digit": 10, "parity": 2})]
    write_predictions(tmp_path / "predictions.parquet", written)

    read = read_predictions(tmp_path / "predictions.parquet")

    assert [(each.trial, each.model) for each in read] == [(3, "mlp"), (1, "mlp")]
    for before, after in zip(written, read, strict=True):
        assert before.probabilities.keys() == after.probabilities.keys()
        np.testing.assert_array_equal(before.labels, after.labels)
        for head, output in before.probabilities.items():
            np.testing.assert_array_equal(output, after.probabilities[head])


def test_table_has_the_same_columns_for_every_network(tmp_path: Path) -> None:
    write_predictions(tmp_path / "predictions.parquet", [predictions(0, {"digit": 10})])

    table = pq.read_table(tmp_path / "predictions.parquet")

    assert table.column_names == [
        *("trial", "model", "image", "label"),
        *(f"digit_{digit}" for digit in range(10)),
        *("parity_even", "parity_odd"),
    ]
    assert table["image"].to_pylist() == list(range(20))
    assert table["parity_odd"].null_count == 20


@pytest.mark.parametrize("content", [None, b"", b"PAR1 and nothing else", b"\x00" * 64])
def test_damaged_predictions_are_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "predictions.parquet"
    if content is not None:
        path.write_bytes(content)

    assert read_predictions(path) == []


def test_layers_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_networks(tmp_path / "networks.json", {7: (LAYER,), 3: ()})

    assert read_networks(tmp_path / "networks.json") == {7: (LAYER,), 3: ()}


@pytest.mark.parametrize(
    "content", [None, "", "[]", '{"a": []}', '{"1": [{"name": "fc1"}]}', '{"1": 5}', "[" * 100_000]
)
def test_damaged_layers_are_none(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "networks.json"
    if content is not None:
        path.write_text(content)

    assert read_networks(path) == {}
