"""The ways to train a network that `mxtrials bench train` compares: ours, the tutorials' own code, and PyTorch.

Run as a program, `python -m jobs.bench.sides.train SIDE NETWORK EPOCHS`, in a process and on a core of its own; it
prints a list of images per second, one for each epoch but a first, which only warms up.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_core.cache import default_cache_dir, open_dataset
from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig, TrainingConfig
from mnist_core.dataset import LabelledImages, Split, Subset

NETWORKS: dict[str, ModelConfig] = {
    "mlp": MlpConfig(initializer="xavier"),
    "lenet": LenetConfig(initializer="xavier"),
    "multitask": MultitaskConfig(initializer="xavier"),
}
IMAGES = {"mlp": 60_000, "lenet": 5_000, "multitask": 60_000}
BATCH, RATE, MOMENTUM = 100, 0.05, 0.9


@dataclass(frozen=True)
class Task:
    """What every side trains: one epoch over these images, in batches of 100, sgd with momentum."""

    network: str
    images: LabelledImages

    def as_floats(self) -> npt.NDArray[np.float32]:
        """(N, 1, 28, 28) float32 in [0, 1], as the tutorials prepare them."""
        return self.images.images.reshape(-1, 1, 28, 28).astype(np.float32) / 255


def ours(task: Task) -> Iterator[float]:
    """mxtrials' own training; its evaluation, of 100 images, is not counted."""
    from mnist_core.context import open_context
    from mnist_core.training import Training

    count = len(task.images)
    split = Split(Subset(task.images, np.arange(count)), Subset(task.images, np.arange(100)))
    config = TrainingConfig(epochs=1_000, batch_size=BATCH, learning_rate=RATE, momentum=MOMENTUM)
    training = Training(NETWORKS[task.network], config, split, seed=0, context=open_context("cpu"))
    for measurement in training.epochs():
        yield measurement.metrics["perf/samples_per_second"]


def module_fit(task: Task) -> Iterator[float]:
    """The tutorials' code, under MXNet's own settings: `mx.mod.Module.fit` over an NDArrayIter."""
    from mnist_core.context import leave_untuned

    leave_untuned()
    from mnist_core.context import mx
    from mnist_core.networks import build_network

    network = build_network(NETWORKS[task.network])
    labels = {head.label_name: task.images.labels % head.classes for head in network.heads}
    iterator = mx.io.NDArrayIter(task.as_floats(), labels, BATCH, shuffle=True)
    module = mx.mod.Module(network.symbol, label_names=list(labels))
    options = {"learning_rate": RATE, "momentum": MOMENTUM}
    while True:
        iterator.reset()
        started = time.perf_counter()
        module.fit(iterator, num_epoch=1, optimizer_params=options, initializer=mx.init.Xavier())
        yield len(task.images) / (time.perf_counter() - started)


def pytorch(task: Task) -> Iterator[float]:
    """PyTorch in eager mode on one thread, over tensors in memory."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    images, labels = torch.from_numpy(task.as_floats()), torch.from_numpy(task.images.labels.astype(np.int64))
    network, heads = _torch_network(task.network)
    optimizer = torch.optim.SGD([*network.parameters(), *heads.parameters()], lr=RATE, momentum=MOMENTUM)
    loss_of = torch.nn.CrossEntropyLoss()
    while True:
        started = time.perf_counter()
        for batch in torch.randperm(len(labels)).split(BATCH):
            trunk = network(images[batch])
            loss = sum(loss_of(head(trunk), labels[batch] % head.out_features) for head in heads)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield len(labels) / (time.perf_counter() - started)


def _torch_network(name: str) -> tuple[Any, Any]:
    """The same layers, as a trunk and its heads."""
    from torch import nn

    if name == "lenet":
        trunk = nn.Sequential(
            *(nn.Conv2d(1, 20, 5), nn.Tanh(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.Tanh(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(800, 500), nn.Tanh()),
        )
        return trunk, nn.ModuleList([nn.Linear(500, 10)])
    trunk = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU())
    return trunk, nn.ModuleList([nn.Linear(64, classes) for classes in ((10, 2) if name == "multitask" else (10,))])


SIDES: dict[str, Callable[[Task], Iterator[float]]] = {"mxtrials": ours, "Module.fit": module_fit, "PyTorch": pytorch}


def run_side(side: str, network: str, epochs: int) -> list[float]:
    """Images per second of each epoch after the first."""
    train = open_dataset(cache_dir=default_cache_dir()).train
    count = IMAGES[network]
    speeds = SIDES[side](Task(network, LabelledImages(train.images[:count], train.labels[:count])))
    return [next(speeds) for _ in range(epochs + 1)][1:]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run_side(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
