"""The heads of the networks: what each output classifies, and into which classes. Imports no MXNet."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Head:
    """One softmax output. It classifies a digit modulo its number of classes: the digit itself, or its parity.

    Attributes:
        name: the head's name; heads with the same name have the same classes.
        class_names: the names of its classes, in the order of its outputs.
        suffix: what the tutorials append to the names of its layers, e.g. "digit" in `fc3digit`.
    """

    name: str
    class_names: tuple[str, ...]
    suffix: str = ""

    @cached_property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def label_name(self) -> str:
        """The name of the Symbol's input that takes this head's targets."""
        return f"softmax{self.suffix}_label"

    def targets(self, digits: "npt.NDArray[np.uint8]") -> "npt.NDArray[np.uint8]":
        """Returns the correct classes for images of these digits.

        Args:
            digits: (n,) uint8 in 0..9.

        Returns:
            (n,) uint8 in 0..classes - 1.
        """
        return digits % self.classes  # type: ignore[return-value] # numpy keeps uint8, which its stubs do not know


DIGIT = Head("digit", tuple("0123456789"))
MULTITASK_DIGIT = Head("digit", DIGIT.class_names, suffix="digit")
MULTITASK_PARITY = Head("parity", ("even", "odd"), suffix="parity")


def head_accuracy_tags(prefix: str, heads: Collection[str]) -> dict[str, str]:
    """Returns head name -> TensorBoard tag of its accuracy, e.g. `val/digit_accuracy`, which every network has."""
    return {head: f"{prefix}/{head}_accuracy" for head in heads}
