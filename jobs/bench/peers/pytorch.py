"""Training with PyTorch on one thread, over tensors in memory, for `bench train`.

Run as `python -m jobs.bench.peers.pytorch eager|compiled NETWORK`, see `answer_requests`; `compiled` means
torch.compile, which needs a C++ compiler.
"""

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from jobs.bench.programs.training_task import (
    BATCH_SIZE,
    LEARNING_RATE,
    MOMENTUM,
    TrainingTask,
    answer_requests,
    load_task,
)

MODES = ("eager", "compiled")


def train(task: TrainingTask, mode: str) -> Iterator[float]:
    """Yields the images per second of each epoch, in one of MODES."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = torch.from_numpy(task.as_floats())
    labels = torch.from_numpy(task.images.labels.astype(np.int64))
    trunk, heads = _build_network(task.network)
    optimizer = torch.optim.SGD([*trunk.parameters(), *heads.parameters()], lr=LEARNING_RATE, momentum=MOMENTUM)
    cross_entropy = torch.nn.CrossEntropyLoss()

    def loss_on(pixels: Any, digits: Any) -> Any:
        features = trunk(pixels)
        # digits % 10 is the digit, digits % 2 its parity.
        return sum(cross_entropy(head(features), digits % head.out_features) for head in heads)

    loss_on = torch.compile(loss_on) if mode == "compiled" else loss_on
    while True:
        started = time.perf_counter()
        for batch in torch.randperm(len(labels)).split(BATCH_SIZE):
            optimizer.zero_grad()
            loss_on(images[batch], labels[batch]).backward()
            optimizer.step()
        yield len(labels) / (time.perf_counter() - started)


def _build_network(name: str) -> tuple[Any, Any]:
    """Builds the layers of a network of NETWORKS, as a trunk and its heads."""
    from torch import nn

    if name == "lenet":
        trunk = nn.Sequential(
            *(nn.Conv2d(1, 20, 5), nn.Tanh(), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.Tanh(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(800, 500), nn.Tanh()),
        )
        return trunk, nn.ModuleList([nn.Linear(500, 10)])
    trunk = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU())
    return trunk, nn.ModuleList([nn.Linear(64, classes) for classes in ((10, 2) if name == "multitask" else (10,))])


if __name__ == "__main__":
    answer_requests(train(load_task(sys.argv[2]), sys.argv[1]))
