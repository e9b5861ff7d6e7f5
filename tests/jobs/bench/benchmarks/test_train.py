"""The programs of `bench train` really train."""

import importlib.util
from collections.abc import Callable, Iterator

import pytest

from jobs.bench.benchmarks.train import EAGER, PROGRAMS, TUTORIAL
from jobs.bench.peers import module_fit, pytorch
from jobs.bench.programs import train
from jobs.bench.programs.matrix_products import run_products, training_flops
from jobs.bench.programs.training_task import NETWORKS, TrainingTask
from jobs.bench.report import OURS
from mnist_core.data.dataset import Dataset

TRAINING: dict[str, Callable[[TrainingTask], Iterator[float]]] = {
    OURS: train.train,
    EAGER: lambda task: pytorch.train(task, "eager"),
}


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("program", TRAINING)
def test_program_trains_an_epoch_and_yields_its_speed(program: str, network: str, small_dataset: Dataset) -> None:
    _, _, package = PROGRAMS[program]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: it comes with the extra `bench`")
    speeds = TRAINING[program](TrainingTask(network, small_dataset.train))
    assert next(speeds) > 0
    assert next(speeds) > 0


@pytest.mark.parametrize("network", NETWORKS)
def test_matrix_products_alone_have_a_speed(network: str) -> None:
    speeds = run_products(NETWORKS[network])
    assert next(speeds) > 0
    assert next(speeds) > 0


def test_every_program_of_the_table_can_be_run() -> None:
    assert all(importlib.util.find_spec(module) for module, _, _ in PROGRAMS.values())
    assert PROGRAMS[TUTORIAL][0] == module_fit.__name__
    assert {arguments for module, arguments, _ in PROGRAMS.values() if module == pytorch.__name__} == {
        (mode,) for mode in pytorch.MODES
    }


def test_flops_are_those_counted_by_hand() -> None:
    mlp = 2 * (784 * 128 * 2 + 128 * 64 * 3 + 64 * 10 * 3)
    convolutions = 2 * (20 * 25 * 24 * 24 * 2 + 50 * 20 * 25 * 8 * 8 * 3)
    assert training_flops(NETWORKS["mlp"]) == mlp
    assert training_flops(NETWORKS["lenet"]) == convolutions + 2 * 3 * (800 * 500 + 500 * 10)
