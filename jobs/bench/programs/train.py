"""The ways to train a network that `mxtrials bench train` compares: ours, the tutorials' own code, and PyTorch.

Run as a program, `python -m jobs.bench.programs.train SIDE NETWORK`, it trains some images for each line of its input,
and answers with a line: how many of them a second.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.bench.benchmarks.train import COMPILED, EAGER, PRODUCTS, TUTORIAL
from jobs.bench.programs.matrix_products import products_alone
from jobs.bench.report import OURS
from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig, TrainingConfig
from mnist_core.data.cache import default_cache_dir, open_dataset
from mnist_core.data.dataset import LabelledImages, Split, Subset

NETWORKS: dict[str, ModelConfig] = {
    "mlp": MlpConfig(initializer="xavier"),
    "lenet": LenetConfig(initializer="xavier"),
    "multitask": MultitaskConfig(initializer="xavier"),
}
# So many take about a fifth of a second.
IMAGES = {"mlp": 20_000, "lenet": 600, "multitask": 20_000}
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
    from mnist_core.training.trainer import Trainer

    count = len(task.images)
    split = Split(Subset(task.images, np.arange(count)), Subset(task.images, np.arange(100)))
    config = TrainingConfig(epochs=1_000, batch_size=BATCH, learning_rate=RATE, momentum=MOMENTUM)
    training = Trainer(NETWORKS[task.network], config, split, seed=0, context=open_context("cpu"))
    for measurement in training.epochs():
        yield measurement.metrics["perf/samples_per_second"]


def module_fit(task: Task) -> Iterator[float]:
    """The tutorials' code, under MXNet's own settings: `mx.mod.Module.fit` over an NDArrayIter."""
    from mnist_core.context import use_mxnet_defaults

    use_mxnet_defaults()
    from mnist_core.context import mx
    from mnist_core.model.networks import build_network

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
    return _pytorch(task, compiled=False)


def pytorch_compiled(task: Task) -> Iterator[float]:
    """The same network through torch.compile, which needs a C++ compiler."""
    return _pytorch(task, compiled=True)


def _pytorch(task: Task, compiled: bool) -> Iterator[float]:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    images, labels = torch.from_numpy(task.as_floats()), torch.from_numpy(task.images.labels.astype(np.int64))
    trunk, heads = _torch_network(task.network)
    optimizer = torch.optim.SGD([*trunk.parameters(), *heads.parameters()], lr=RATE, momentum=MOMENTUM)
    cross_entropy = torch.nn.CrossEntropyLoss()

    def loss_on(pixels: Any, digits: Any) -> Any:
        features = trunk(pixels)
        return sum(cross_entropy(head(features), digits % head.out_features) for head in heads)

    loss_on = torch.compile(loss_on) if compiled else loss_on
    while True:
        started = time.perf_counter()
        for batch in torch.randperm(len(labels)).split(BATCH):
            optimizer.zero_grad()
            loss_on(images[batch], labels[batch]).backward()
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


def products(task: Task) -> Iterator[float]:
    """The limit; see train_products."""
    return products_alone(NETWORKS[task.network])


SIDES: dict[str, Callable[[Task], Iterator[float]]] = {
    OURS: ours,
    TUTORIAL: module_fit,
    EAGER: pytorch,
    COMPILED: pytorch_compiled,
    PRODUCTS: products,
}


def main(side: str, network: str) -> None:
    """Answers each line of the input."""
    train = open_dataset(cache_dir=default_cache_dir()).train
    count = IMAGES[network]
    speeds = SIDES[side](Task(network, LabelledImages(train.images[:count], train.labels[:count])))
    for _ in sys.stdin:
        sys.stdout.write(json.dumps(next(speeds)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
