"""The sides of `bench train` really train."""

import importlib.util

import pytest

from jobs.bench.sides.train import SIDES as RUNNABLE
from jobs.bench.sides.train import Task
from jobs.bench.train import NETWORKS, SIDES
from mnist_core.dataset import Dataset


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("side", ["mxtrials", "PyTorch"])
def test_side_trains_an_epoch_and_gives_its_speed(side: str, network: str, small_dataset: Dataset) -> None:
    if importlib.util.find_spec(SIDES[side]) is None:
        pytest.skip(f"{SIDES[side]} is not installed: it comes with the extra `bench`")
    speeds = RUNNABLE[side](Task(network, small_dataset.train))
    assert next(speeds) > 0
    assert next(speeds) > 0


def test_every_side_of_the_table_can_be_run() -> None:
    assert set(SIDES) == set(RUNNABLE)
