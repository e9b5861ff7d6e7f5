"""Feeds batches to a network that is bound to flat vectors on one context."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from mnist_core.context import bind, mx
from mnist_core.data.dataset import IMAGE_SIDE, FloatArray, IndexArray, LabelledImages, scale_pixels
from mnist_core.model.metrics import Probabilities
from mnist_core.model.networks import Network
from mnist_core.model.parameters import ALIGNMENT_BYTES, Layout
from mnist_core.model.raw_executor import RawExecutor


class BatchExecutor:
    """Runs a network on batches of up to `batch_size` images, gathered by index."""

    def __init__(
        self, network: Network, layout: Layout, batch_size: int, weights: Any, gradient: Any | None = None
    ) -> None:
        """Binds the network to flat NDArrays; without a gradient it only predicts."""
        context = weights.context
        on_cpu = context.device_type == "cpu"
        self.batch_size = batch_size
        self._heads = network.heads
        self._gathered = np.empty((batch_size, 1, IMAGE_SIDE, IMAGE_SIDE), np.uint8)
        data, self._pixels = _input((batch_size, 1, IMAGE_SIDE, IMAGE_SIDE), context)
        labels = [_input((batch_size,), context) for _ in network.heads]
        self._targets = [host for _, host in labels]
        # A CPU executor reads the memory that is filled here; for other devices it is copied.
        self._uploads = [] if on_cpu else [(data, self._pixels), *labels]
        arguments = {name: layout.view(weights, name) for name in layout.shapes}
        arguments["data"] = data
        for head, (label, _) in zip(network.heads, labels, strict=True):
            arguments[head.label_name] = label
        gradients = None if gradient is None else {name: layout.view(gradient, name) for name in layout.shapes}
        symbol = network.cpu_symbol if on_cpu else network.symbol
        self._executor = RawExecutor(bind(symbol, context, arguments, gradients))

    def train(self, source: LabelledImages, indices: IndexArray) -> Sequence[Probabilities]:
        """Runs forward and backward on a batch, which sets the gradient to the sum over its images.

        Args:
            source: the images and their labels.
            indices: (n,) indices of the images; n must be `batch_size`, because the gradient includes every row.

        Returns:
            per head, probabilities (batch_size, classes) float32, valid until the next call.
        """
        self._load(source, indices)
        self._executor.forward(is_train=True)
        self._executor.backward()
        return self._executor.outputs()

    def predict(self, source: LabelledImages, indices: IndexArray) -> Sequence[Probabilities]:
        """Runs forward on a batch.

        Args:
            source: the images; their labels do not change the result.
            indices: (n,) indices of the images, n <= `batch_size`.

        Returns:
            per head, probabilities (batch_size, classes) float32, valid until the next call; the first n rows count.
        """
        self._load(source, indices)
        self._executor.forward(is_train=False)
        return self._executor.outputs()

    def _load(self, source: LabelledImages, indices: IndexArray) -> None:
        """Gathers images and targets; if there are fewer than `batch_size`, the rest of the batch is unchanged."""
        count = len(indices)
        gathered = self._gathered[:count]
        # mode="clip" lets numpy write straight into `out`; the indices are known to be in range.
        np.take(source.images, indices, axis=0, out=gathered[:, 0], mode="clip")
        scale_pixels(gathered, out=self._pixels[:count])
        digits = source.labels[indices]
        for head, targets in zip(self._heads, self._targets, strict=True):
            targets[:count] = head.targets(digits)
        for array, host in self._uploads:
            array[:count] = host[:count]


def predict_all(
    executor: BatchExecutor, images: LabelledImages, indices: IndexArray, classes: list[int]
) -> list[Probabilities]:
    """Predicts every indexed image exactly once, including those of the last, smaller batch.

    Returns:
        per head, probabilities (len(indices), classes) float32.
    """
    outputs: list[FloatArray] = [np.empty((len(indices), width), np.float32) for width in classes]
    for start in range(0, len(indices), executor.batch_size):
        batch = indices[start : start + executor.batch_size]
        for kept, output in zip(outputs, executor.predict(images, batch), strict=True):
            kept[start : start + len(batch)] = output[: len(batch)]
    return outputs


def shared_array(shape: tuple[int, ...], context: Any) -> tuple[Any, FloatArray | None]:
    """Returns a zeroed NDArray on a context and, on a CPU, a numpy array that shares its memory (else None)."""
    if context.device_type != "cpu":
        return mx.nd.zeros(shape, ctx=context), None
    raw = np.zeros(prod(shape) + ALIGNMENT_BYTES // 4, np.float32)
    skip = (-raw.ctypes.data % ALIGNMENT_BYTES) // 4
    array = raw[skip : skip + prod(shape)].reshape(shape)
    ndarray = mx.nd.from_numpy(array, zero_copy=True)
    array.flags.writeable = True  # from_numpy makes it read-only, but here both sides may be written
    return ndarray, array


def _input(shape: tuple[int, ...], context: Any) -> tuple[Any, FloatArray]:
    """Returns an NDArray on a context and the numpy array to fill it from; on a CPU they share memory."""
    ndarray, array = shared_array(shape, context)
    return ndarray, np.zeros(shape, np.float32) if array is None else array
