"""How much memory a training takes, told before it takes it: a lack of it ends processes, and crashes MXNet."""

from collections.abc import Callable, Iterable
from math import prod

from mnist_core.config import TrainingConfig
from mnist_core.data.dataset import IMAGE_SIDE
from mnist_core.model.networks import Network
from mnist_core.model.parameters import Layout
from mnist_core.training.optimizers import state_vectors

_FLOAT_BYTES = 4
# Weights, gradient, the weights that are evaluated, and the optimizer's scratch; see Trainer.
_VECTORS = 4
# A training state is copied, put into an archive, and joined with its checksum; see checkpoint.pack.
_STATE_COPIES = 3
# What the layers put out is kept for the way back, each with its gradient, though MXNet saves some of them.
_OF_OUTPUTS = 2
# A batch as float32, and the images that it was gathered from.
_PIXEL_BYTES = _FLOAT_BYTES + 1
# Every machine has this; it takes longer to ask for less.
MODEST_BYTES = 2**28


def training_bytes(network: Network, layout: Layout, config: TrainingConfig, batch_sizes: Iterable[int]) -> int:
    """About how much memory a training on a CPU takes at its peak, beside its data and MXNet itself.

    Measured on eleven large networks and batches, it took 0.66 to 1.13 times as much: the least where batches of 10,000
    went through fully connected layers with ReLU, the most through a convolution with 100 filters.

    Args:
        network: what is trained.
        layout: of its parameters.
        config: how it is trained.
        batch_sizes: of each executor that is bound for it.
    """
    kept = state_vectors(config)
    vectors = _VECTORS + kept + _STATE_COPIES * (1 + kept)
    batches = sum(
        _FLOAT_BYTES * _OF_OUTPUTS * _outputs(network, size) + _PIXEL_BYTES * size * IMAGE_SIDE**2
        for size in batch_sizes
    )
    return _FLOAT_BYTES * vectors * layout.size + batches


def check_memory(needed_bytes: int, free_bytes: Callable[[], float]) -> None:
    """Refuses what does not fit into the memory that is free; `free_bytes` is asked where that is a question.

    Raises:
        MemoryError: it does not.
    """
    if needed_bytes <= MODEST_BYTES or needed_bytes <= (free := free_bytes()):
        return
    raise MemoryError(
        f"out of memory before it began: training takes about {needed_bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB "
        "are free: choose a smaller network or smaller batches"
    )


def _outputs(network: Network, batch_size: int) -> int:
    """How many numbers all layers put out for a batch, as a CPU computes them."""
    internals = network.cpu_symbol.get_internals()
    _, shapes, _ = internals.infer_shape(data=(batch_size, 1, IMAGE_SIDE, IMAGE_SIDE))
    arguments = set(network.cpu_symbol.list_arguments())
    names = internals.list_outputs()
    return sum(prod(shape) for name, shape in zip(names, shapes, strict=True) if name not in arguments)
