"""Training with the tutorials' own code and MXNet's own settings, for `bench train`.

Run as `python -m jobs.bench.peers.module_fit NETWORK`, see `answer_requests`.
"""

import sys
import time
from collections.abc import Iterator

from jobs.bench.programs.training_task import (
    BATCH_SIZE,
    LEARNING_RATE,
    MOMENTUM,
    NETWORKS,
    TrainingTask,
    answer_requests,
    load_task,
)


def train(task: TrainingTask) -> Iterator[float]:
    """Yields the images per second of each epoch of `mx.mod.Module.fit` over an NDArrayIter."""
    from mnist_core.context import use_mxnet_defaults

    use_mxnet_defaults()
    from mnist_core.context import mx
    from mnist_core.model.networks import build_network

    network = build_network(NETWORKS[task.network])
    labels = {head.label_name: head.targets(task.images.labels) for head in network.heads}
    iterator = mx.io.NDArrayIter(task.as_floats(), labels, BATCH_SIZE, shuffle=True)
    module = mx.mod.Module(network.symbol, label_names=list(labels))
    options = {"learning_rate": LEARNING_RATE, "momentum": MOMENTUM}
    while True:
        iterator.reset()
        started = time.perf_counter()
        module.fit(iterator, num_epoch=1, optimizer_params=options, initializer=mx.init.Xavier())
        yield len(task.images) / (time.perf_counter() - started)


if __name__ == "__main__":
    answer_requests(train(load_task(sys.argv[1])))
