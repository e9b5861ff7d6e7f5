"""The sides of `bench train` really train."""

import importlib.util

import pytest

from jobs.bench.benchmarks.train import EAGER, NETWORKS, PRODUCTS, SIDES
from jobs.bench.programs.matrix_products import training_flops
from jobs.bench.programs.train import NETWORKS as MODELS
from jobs.bench.programs.train import SIDES as RUNNABLE
from jobs.bench.programs.train import Task
from jobs.bench.report import OURS
from mnist_core.data.dataset import Dataset


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("side", [OURS, EAGER, PRODUCTS])
def test_side_trains_an_epoch_and_gives_its_speed(side: str, network: str, small_dataset: Dataset) -> None:
    if importlib.util.find_spec(SIDES[side]) is None:
        pytest.skip(f"{SIDES[side]} is not installed: it comes with the extra `bench`")
    speeds = RUNNABLE[side](Task(network, small_dataset.train))
    assert next(speeds) > 0
    assert next(speeds) > 0


def test_every_side_of_the_table_can_be_run() -> None:
    assert set(SIDES) == set(RUNNABLE)


def test_flops_are_those_counted_by_hand() -> None:
    mlp = 2 * (784 * 128 * 2 + 128 * 64 * 3 + 64 * 10 * 3)
    convolutions = 2 * (20 * 25 * 24 * 24 * 2 + 50 * 20 * 25 * 8 * 8 * 3)
    assert training_flops(MODELS["mlp"]) == mlp
    assert training_flops(MODELS["lenet"]) == convolutions + 2 * 3 * (800 * 500 + 500 * 10)
