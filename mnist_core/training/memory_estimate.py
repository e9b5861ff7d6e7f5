"""Estimates the memory of a training before it starts: running out of memory kills processes and crashes MXNet."""

from collections.abc import Callable, Iterable
from math import prod

from mnist_core.config import TrainingConfig
from mnist_core.data.dataset import IMAGE_SIDE
from mnist_core.model.networks import Network
from mnist_core.model.parameters import Layout
from mnist_core.training.optimizers import state_vectors

_FLOAT_BYTES = 4
# Weights, gradient, the copy of the weights for validation, and the optimizer's scratch vector; see trainer.py.
_VECTORS = 4
# A training state is copied, written into an archive, and joined with its checksum; see state.pack.
_STATE_COPIES = 3
# Layer outputs are kept for the backward pass, each with its gradient, though MXNet avoids some of them.
_OUTPUT_COPIES = 2
# A batch as float32, and as the gathered uint8 images.
_PIXEL_BYTES = _FLOAT_BYTES + 1
# Every machine has this much; if a training needs less, finding out how much is free would take longer than training.
MODEST_BYTES = 2**28


def training_bytes(network: Network, layout: Layout, config: TrainingConfig, batch_sizes: Iterable[int]) -> int:
    """Estimates the peak memory of a training on a CPU, without its data and MXNet itself.

    Measured on eleven large networks and batches, trainings took 0.66 to 1.13 times the estimate: least for batches of
    10,000 and fully connected layers with ReLU, most for a convolution with 100 filters.

    Args:
        network: the network.
        layout: the layout of its parameters.
        config: how it is trained.
        batch_sizes: one per executor that is bound.
    """
    kept = state_vectors(config)
    vectors = _VECTORS + kept + _STATE_COPIES * (1 + kept)
    batches = sum(
        _FLOAT_BYTES * _OUTPUT_COPIES * _output_count(network, size) + _PIXEL_BYTES * size * IMAGE_SIDE**2
        for size in batch_sizes
    )
    return _FLOAT_BYTES * vectors * layout.size + batches


def check_memory(needed_bytes: int, free_bytes: Callable[[], float]) -> None:
    """Checks that a training fits into free memory; calls `free_bytes` only if it might not.

    Raises:
        MemoryError: it does not fit.
    """
    if needed_bytes <= MODEST_BYTES or needed_bytes <= (free := free_bytes()):
        return
    raise MemoryError(
        f"out of memory before it started: training takes about {needed_bytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB "
        "are free: choose a smaller network or smaller batches"
    )


def _output_count(network: Network, batch_size: int) -> int:
    """Returns how many numbers all layers on a CPU output for a batch."""
    internals = network.cpu_symbol.get_internals()
    _, shapes, _ = internals.infer_shape(data=(batch_size, 1, IMAGE_SIDE, IMAGE_SIDE))
    arguments = set(network.cpu_symbol.list_arguments())
    names = internals.list_outputs()
    return sum(prod(shape) for name, shape in zip(names, shapes, strict=True) if name not in arguments)
