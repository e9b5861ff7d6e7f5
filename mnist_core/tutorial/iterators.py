"""Data iterators for MXNet's own training API: `Module.fit`, `score` and `predict`, as in the tutorials.

The trials of a study do not pass here: training.py gathers its batches by itself.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mnist_core.context import mx
from mnist_core.data.dataset import (
    IMAGE_SIDE,
    IndexArray,
    LabelledImages,
    Subset,
    all_images,
    epoch_order,
    scale_pixels,
)
from mnist_core.errors import InputError
from mnist_core.heads import DIGIT, MULTITASK_DIGIT, MULTITASK_PARITY


@dataclass(frozen=True)
class InputNames:
    """What the network calls its two inputs."""

    data: str = "data"
    label: str = DIGIT.label_name


class MnistIter(mx.io.DataIter):  # type: ignore[misc]
    """Gives every image exactly once an epoch.

    A batch holds data, (B, 1, 28, 28) float32 in [0, 1] or (B, 784) if flat, and one label, (B,) float32 digits;
    `batch.index`, (B,) int64, tells which images of the source they are. B is `batch_size`, save in the last batch
    where it does not divide the images:

    - last_batch="short": that batch is smaller, and `Module` adapts to it. `score`, `predict` and `fit` then count each
      image exactly once.
    - last_batch="pad": that batch is filled up with images from the start of the epoch, and `batch.pad` says how many,
      as `mx.io.NDArrayIter` does it. `predict` drops them, but `score` and `fit` ignore `pad` and count them again.

    Example:
        train = MnistIter(split.train, batch_size=100, shuffle_seed=0)
        module.fit(train, eval_data=MnistIter(split.validation), num_epoch=10)
    """

    def __init__(
        self,
        images: LabelledImages | Subset,
        batch_size: int = 100,
        *,
        shuffle_seed: int | None = None,
        flat: bool = False,
        last_batch: Literal["short", "pad"] = "short",
        names: InputNames = InputNames(),
    ) -> None:
        """Starts at the first image of epoch 0.

        Args:
            images: what to iterate over; nothing is copied.
            batch_size: images a batch, at least 1.
            shuffle_seed: an epoch's order is drawn from (seed, epoch), as in a trial with that seed; None keeps the
                order of `images`.
            flat: an image is a row of 784 numbers.
            last_batch: how a last batch that is not full is given.
            names: of the network's inputs.

        Raises:
            InputError: the batch size is less than 1.
        """
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}: give at least 1")
        super().__init__(batch_size)
        subset = images if isinstance(images, Subset) else all_images(images)
        self._source, self._indices = subset.source, subset.indices
        self._seed, self._pads, self._names = shuffle_seed, last_batch == "pad", names
        self._image_shape = (IMAGE_SIDE * IMAGE_SIDE,) if flat else (1, IMAGE_SIDE, IMAGE_SIDE)
        self._epoch, self._position, self._order = 0, 0, self._epoch_order(0)

    @property
    def provide_data(self) -> list[Any]:
        """Name, shape and dtype of the images of a full batch."""
        layout = "NCHW"[: 1 + len(self._image_shape)]
        return [mx.io.DataDesc(self._names.data, (self.batch_size, *self._image_shape), np.float32, layout)]

    @property
    def provide_label(self) -> list[Any]:
        """Name, shape and dtype of the labels of a full batch."""
        return [mx.io.DataDesc(self._names.label, (self.batch_size,), np.float32, "N")]

    def reset(self) -> None:
        """Starts the next epoch; where no batch was taken since the last start, that epoch starts again."""
        self._start(self._epoch + (self._position > 0))

    def hard_reset(self) -> None:
        """Starts epoch 0 again."""
        self._start(0)

    def next(self) -> Any:
        """The next `mx.io.DataBatch`; raises StopIteration at the end of the epoch."""
        start, count = self._position, len(self._order)
        if start >= count:
            raise StopIteration
        end = start + self.batch_size
        pad = max(0, end - count) if self._pads else 0
        # Padding wraps around, several times where there are fewer images than a batch holds.
        positions = np.arange(start, end) % count if pad else slice(start, end)
        self._position = end
        return self._gather(self._order[positions], pad)

    def _start(self, epoch: int) -> None:
        self._epoch, self._position, self._order = epoch, 0, self._epoch_order(epoch)

    def _epoch_order(self, epoch: int) -> IndexArray:
        return self._indices if self._seed is None else epoch_order(self._indices, self._seed, epoch)

    def _gather(self, index: IndexArray, pad: int) -> Any:
        pixels = self._source.images[index].reshape(-1, *self._image_shape)  # (B, 1, 28, 28) or (B, 784) uint8
        data = mx.nd.array(scale_pixels(pixels))
        labels = mx.nd.array(self._source.labels[index], dtype=np.float32)  # (B,)
        return mx.io.DataBatch(data=[data], label=[labels], pad=pad, index=index)


class DigitParityIter(mx.io.DataIter):  # type: ignore[misc]
    """Adds the parity of the digit to the batches of another iterator, for the multitask network.

    The labels become `softmaxdigit_label`, the other iterator's own, and `softmaxparity_label`, 0 for even, 1 for odd.
    """

    def __init__(self, digits: Any) -> None:
        """Takes its batches from `digits`, an `mx.io.DataIter` with one label: the digit.

        Raises:
            InputError: that iterator has no label or several.
        """
        if len(digits.provide_label) != 1:
            names = [desc.name for desc in digits.provide_label]
            raise InputError(f"DigitParityIter needs an iterator with one label, the digit, but this one gives {names}")
        super().__init__(digits.batch_size)
        self._digits = digits

    @property
    def provide_data(self) -> list[Any]:
        """As of the other iterator."""
        data: list[Any] = self._digits.provide_data
        return data

    @property
    def provide_label(self) -> list[Any]:
        """Names, shapes and dtypes of the digit and the parity labels."""
        (digit,) = self._digits.provide_label
        names = (MULTITASK_DIGIT.label_name, MULTITASK_PARITY.label_name)
        return [mx.io.DataDesc(name, digit.shape, digit.dtype, digit.layout) for name in names]

    def reset(self) -> None:
        """Resets the other iterator."""
        self._digits.reset()

    def hard_reset(self) -> None:
        """Resets the other iterator to its very start, where it knows how to."""
        getattr(self._digits, "hard_reset", self._digits.reset)()

    def next(self) -> Any:
        """The next `mx.io.DataBatch`; raises StopIteration at the end of the epoch."""
        batch = self._digits.next()
        (digit,) = batch.label
        return mx.io.DataBatch(data=batch.data, label=[digit, digit % 2], pad=batch.pad, index=batch.index)
