"""A network bound to flat vectors on one context, for batches of one size. Feeds it, and nothing more."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_core.context import bind, mx
from mnist_core.data.dataset import IMAGE_SIDE, IndexArray, LabelledImages, scale_pixels
from mnist_core.model.metrics import Probabilities
from mnist_core.model.networks import Network
from mnist_core.model.parameters import ALIGNMENT_BYTES, Layout
from mnist_core.model.raw_executor import RawExecutor


class BatchExecutor:
    """Runs a network on batches of `batch_size` images gathered by index."""

    def __init__(
        self, network: Network, layout: Layout, batch_size: int, weights: Any, gradient: Any | None = None
    ) -> None:
        """Binds the network; weights and gradient are flat NDArrays, and without a gradient it only predicts."""
        context = weights.context
        self.batch_size = batch_size
        self._heads = network.heads
        self._data, self._pixels = shared_array((batch_size, 1, IMAGE_SIDE, IMAGE_SIDE), context)
        self._labels = [shared_array((batch_size,), context) for _ in network.heads]
        self._gathered = np.empty((batch_size, IMAGE_SIDE, IMAGE_SIDE), np.uint8)
        arguments = {name: layout.view(weights, name) for name in layout.shapes}
        arguments["data"] = self._data
        for head, (labels, _) in zip(network.heads, self._labels, strict=True):
            arguments[head.label_name] = labels
        gradients = None if gradient is None else {name: layout.view(gradient, name) for name in layout.shapes}
        symbol = network.cpu_symbol if context.device_type == "cpu" else network.symbol
        self._calls = RawExecutor(bind(symbol, context, arguments, gradients))

    def load(self, source: LabelledImages, indices: IndexArray) -> None:
        """Gathers images and labels; fewer than `batch_size` leave the rest of the batch as it was."""
        count = len(indices)
        # mode="clip" lets numpy write straight into `out`; the indices are ours and in range.
        np.take(source.images, indices, axis=0, out=self._gathered[:count], mode="clip")
        digits = source.labels[indices]
        pixels = self._gathered[:count, None]
        if self._pixels is None:
            self._data[:count] = scale_pixels(pixels)
        else:
            scale_pixels(pixels, out=self._pixels[:count])
        for head, (ndarray, array) in zip(self._heads, self._labels, strict=True):
            target = ndarray if array is None else array
            target[:count] = head.targets(digits)

    def train(self) -> Sequence[Probabilities]:
        """Forward and backward over the loaded batch: fills the gradient, summed over the batch.

        Returns:
            per head, probabilities (batch_size, classes) float32, valid until the next call.
        """
        self._calls.forward(is_train=True)
        self._calls.backward()
        return self._calls.outputs()

    def predict(self) -> Sequence[Probabilities]:
        """Forward over the loaded batch; returns what `train` does."""
        self._calls.forward(is_train=False)
        return self._calls.outputs()


def predict_all(
    executor: BatchExecutor, images: LabelledImages, indices: IndexArray, classes: list[int]
) -> list[Probabilities]:
    """Predicts every indexed image exactly once, the last smaller batch included.

    Returns:
        per head, probabilities (len(indices), classes) float32.
    """
    outputs: list[npt.NDArray[np.float32]] = [np.empty((len(indices), width), np.float32) for width in classes]
    for start in range(0, len(indices), executor.batch_size):
        batch = indices[start : start + executor.batch_size]
        executor.load(images, batch)
        for kept, output in zip(outputs, executor.predict(), strict=True):
            kept[start : start + len(batch)] = output[: len(batch)]
    return outputs


def shared_array(shape: tuple[int, ...], context: Any) -> tuple[Any, npt.NDArray[np.float32] | None]:
    """A zeroed NDArray on a context and, on a CPU, the numpy array that is the same memory (else None)."""
    if context.device_type != "cpu":
        return mx.nd.zeros(shape, ctx=context), None
    raw = np.zeros(prod(shape) + ALIGNMENT_BYTES // 4, np.float32)
    skip = (-raw.ctypes.data % ALIGNMENT_BYTES) // 4
    array = raw[skip : skip + prod(shape)].reshape(shape)
    ndarray = mx.nd.from_numpy(array, zero_copy=True)
    array.flags.writeable = True  # from_numpy marks it read-only; both sides are ours to write
    return ndarray, array
