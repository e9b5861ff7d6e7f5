"""Data iterators for MXNet's own training API: `Module.fit`, `score` and `predict`, as in the tutorials.

Trials do not use them: model/executor.py gathers their batches.
"""

from dataclasses import dataclass
from typing import Any, Literal, get_args

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

LastBatch = Literal["short", "pad"]
"""What to do with a last batch that is not full; see MnistIter."""


@dataclass(frozen=True)
class InputNames:
    """The names of the network's two inputs."""

    data: str = "data"
    label: str = DIGIT.label_name


class MnistIter(mx.io.DataIter):  # type: ignore[misc]
    """Yields every image exactly once per epoch.

    A batch has data, (B, 1, 28, 28) float32 in [0, 1] or (B, 784) if flat, and one label, (B,) float32 digits;
    `batch.index`, (B,) int64, holds their indices in the source. B is `batch_size`, except in the last batch if the
    number of images is not a multiple of it:

    - last_batch="short": that batch is smaller, and `Module` adapts to it. `score`, `predict` and `fit` then count each
      image exactly once.
    - last_batch="pad": that batch is padded with images from the start of the epoch, and `batch.pad` is their number,
      as in `mx.io.NDArrayIter`. `predict` drops them, but `score` and `fit` ignore `pad` and count them again.

    Example:
        >>> train = MnistIter(split.train, batch_size=100, shuffle_seed=0)
        >>> module = mx.mod.Module(build_network(MlpConfig()).symbol)
        >>> module.fit(train, eval_data=MnistIter(split.validation), num_epoch=2)
    """

    def __init__(
        self,
        images: LabelledImages | Subset,
        batch_size: int = 100,
        *,
        shuffle_seed: int | None = None,
        flat: bool = False,
        last_batch: LastBatch = "short",
        names: InputNames = InputNames(),
    ) -> None:
        """Starts at the beginning of epoch 0.

        Args:
            images: the images, which are not copied.
            batch_size: images per batch, at least 1.
            shuffle_seed: the order of an epoch is drawn from (seed, epoch), as in a trial with that seed; None keeps
                the order of `images`.
            flat: whether an image is a row of 784 numbers.
            last_batch: what to do with a last batch that is not full.
            names: the names of the network's inputs.

        Raises:
            InputError: the batch size is less than 1, or `last_batch` is another word.
        """
        given: object = last_batch
        if not isinstance(given, str) or given not in get_args(LastBatch):
            raise InputError(f"last_batch is {last_batch!r}: choose one of {', '.join(map(repr, get_args(LastBatch)))}")
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}: give at least 1")
        super().__init__(batch_size)
        subset = images if isinstance(images, Subset) else all_images(images)
        self._source = subset.source
        self._indices = subset.indices
        self._seed = shuffle_seed
        self._pads = last_batch == "pad"
        self._names = names
        self._image_shape = (IMAGE_SIDE * IMAGE_SIDE,) if flat else (1, IMAGE_SIDE, IMAGE_SIDE)
        self._epoch = 0
        self._position = 0
        self._order = self._epoch_order(0)

    @property
    def provide_data(self) -> list[Any]:
        """The name, shape and dtype of the images of a full batch."""
        layout = "NCHW"[: 1 + len(self._image_shape)]
        return [mx.io.DataDesc(self._names.data, (self.batch_size, *self._image_shape), np.float32, layout)]

    @property
    def provide_label(self) -> list[Any]:
        """The name, shape and dtype of the labels of a full batch."""
        return [mx.io.DataDesc(self._names.label, (self.batch_size,), np.float32, "N")]

    def reset(self) -> None:
        """Starts the next epoch, or restarts this one if none of its batches was taken."""
        self._start(self._epoch + (self._position > 0))

    def hard_reset(self) -> None:
        """Restarts from epoch 0."""
        self._start(0)

    def next(self) -> Any:
        """Returns the next `mx.io.DataBatch`; raises StopIteration at the end of the epoch."""
        start = self._position
        count = len(self._order)
        if start >= count:
            raise StopIteration
        end = start + self.batch_size
        pad = max(0, end - count) if self._pads else 0
        # Padding wraps around, several times if the images do not fill a batch.
        positions = np.arange(start, end) % count if pad else slice(start, end)
        self._position = end
        return self._gather(self._order[positions], pad)

    def _start(self, epoch: int) -> None:
        self._epoch = epoch
        self._position = 0
        self._order = self._epoch_order(epoch)

    def _epoch_order(self, epoch: int) -> IndexArray:
        return self._indices if self._seed is None else epoch_order(self._indices, self._seed, epoch)

    def _gather(self, index: IndexArray, pad: int) -> Any:
        pixels = self._source.images[index].reshape(-1, *self._image_shape)  # (B, 1, 28, 28) or (B, 784) uint8
        data = mx.nd.array(scale_pixels(pixels))
        labels = mx.nd.array(self._source.labels[index], dtype=np.float32)  # (B,)
        return mx.io.DataBatch(data=[data], label=[labels], pad=pad, index=index)


class DigitParityIter(mx.io.DataIter):  # type: ignore[misc]
    """Adds the parity of the digit to the batches of another iterator, for the multitask network.

    The labels are `softmaxdigit_label`, that of the other iterator, and `softmaxparity_label`, 0 for even, 1 for odd.
    """

    def __init__(self, digits: Any) -> None:
        """Takes its batches from `digits`, an `mx.io.DataIter` with one label: the digit.

        Raises:
            InputError: `digits` does not have exactly one label.
        """
        if len(digits.provide_label) != 1:
            names = [desc.name for desc in digits.provide_label]
            raise InputError(f"DigitParityIter needs an iterator with one label, the digit, but this one has {names}")
        super().__init__(digits.batch_size)
        self._digits = digits

    @property
    def provide_data(self) -> list[Any]:
        """The descriptions of the other iterator's data."""
        data: list[Any] = self._digits.provide_data
        return data

    @property
    def provide_label(self) -> list[Any]:
        """The names, shapes and dtypes of the digit and the parity labels."""
        (digit,) = self._digits.provide_label
        names = (MULTITASK_DIGIT.label_name, MULTITASK_PARITY.label_name)
        return [mx.io.DataDesc(name, digit.shape, digit.dtype, digit.layout) for name in names]

    def reset(self) -> None:
        """Resets the other iterator."""
        self._digits.reset()

    def hard_reset(self) -> None:
        """Resets the other iterator to its first epoch, if it has a `hard_reset`, or else to the next."""
        getattr(self._digits, "hard_reset", self._digits.reset)()

    def next(self) -> Any:
        """Returns the next `mx.io.DataBatch`; raises StopIteration at the end of the epoch."""
        batch = self._digits.next()
        (digit,) = batch.label
        return mx.io.DataBatch(
            data=batch.data, label=[digit, digit % MULTITASK_PARITY.classes], pad=batch.pad, index=batch.index
        )
