"""The multitask tutorial's metric in MXNet's own metric protocol, for `Module.fit` and `score`.

Trials use model/metrics.py instead, which is plain numpy; both count with the same function.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_core.context import mx
from mnist_core.data.dataset import UInt8Array
from mnist_core.errors import InputError
from mnist_core.heads import MULTITASK_DIGIT, MULTITASK_PARITY
from mnist_core.model.metrics import confusion_matrix


class DigitParityAccuracy(mx.metric.EvalMetric):  # type: ignore[misc]
    """The share of correct predictions over all heads (2n for n images), and a confusion matrix per head.

    At the end of an epoch, `fit` reports MXNet's global value (since `reset`); a `Speedometer` shows and clears the
    local one (since `reset_local`). The confusion matrices are global.
    """

    def __init__(
        self,
        sizes: Sequence[int] = (MULTITASK_DIGIT.classes, MULTITASK_PARITY.classes),
        name: str = "perdigitaccuracy",
    ) -> None:
        """Starts at zero; sizes: the number of classes of each head, in the order of the network's outputs."""
        self._sizes = tuple(sizes)
        super().__init__(name, sizes=self._sizes, has_global_stats=True)

    @property
    def confusion(self) -> tuple[npt.NDArray[np.int64], ...]:
        """A copy of each head's confusion matrix, (classes, classes) int64; [label][prediction] counts images."""
        return tuple(counts.copy() for counts in self._confusion)

    def reset(self) -> None:
        """Clears the sums and the confusion matrices."""
        super().reset()
        self._confusion = [np.zeros((size, size), np.int64) for size in self._sizes]

    def update(self, labels: list[Any], preds: list[Any]) -> None:
        """Counts one batch, with its padding: MXNet does not say how much of a batch is padding.

        Args:
            labels: per head, (B,) or (B, 1) classes, an NDArray or numpy's.
            preds: per head, (B, classes) probabilities, an NDArray or numpy's.

        Raises:
            ValueError: the number of labels or predictions differs from the number of heads.
            InputError: a head has a label that is none of its classes, not one label for each image, or not one
                probability for each class. Nothing is counted.
        """
        counted = [
            confusion_matrix(*_classes(probabilities, label, size), size)
            for size, label, probabilities in zip(self._sizes, labels, preds, strict=True)
        ]
        for matrix, batch in zip(self._confusion, counted, strict=True):
            np.add(matrix, batch, out=matrix)
            self._count(int(np.trace(batch)), int(batch.sum()))

    def _count(self, right: int, total: int) -> None:
        self.sum_metric += right
        self.global_sum_metric += right
        self.num_inst += total
        self.global_num_inst += total


def _classes(probabilities: Any, label: Any, size: int) -> tuple[npt.NDArray[np.int64], UInt8Array]:
    """Returns the predicted and the correct class of each image, (B,) both."""
    outputs, correct = _as_numpy(probabilities), _as_numpy(label)
    if outputs.ndim != 2 or outputs.shape[1] != size:
        raise InputError(
            f"DigitParityAccuracy got predictions of shape {outputs.shape} for a head with {size} classes: "
            "give one probability for each class of each image"
        )
    if correct.size != len(outputs) or correct.shape[:1] != outputs.shape[:1]:
        raise InputError(
            f"DigitParityAccuracy got labels of shape {correct.shape} for {len(outputs)} images: "
            "give one label for each image"
        )
    correct = correct.reshape(-1)
    wrong = ~np.isin(correct, np.arange(size))
    if wrong.any():
        raise InputError(
            f"DigitParityAccuracy got label {correct[wrong.argmax()]:g} for a head with {size} classes: "
            f"give labels in 0..{size - 1}"
        )
    return outputs.argmax(axis=1), correct.astype(np.uint8)


def _as_numpy(values: Any) -> npt.NDArray[Any]:
    return values.asnumpy() if isinstance(values, mx.nd.NDArray) else np.asarray(values)
