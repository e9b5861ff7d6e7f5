"""One layer of a network as a value. Imports no MXNet, so that networks can be shown without it."""

from dataclasses import dataclass

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """One operator of a network; its figures are for one image.

    Attributes:
        name: the tutorials' name, such as `fc1`.
        op: MXNet's operator, such as `FullyConnected`.
        setting: what sets it apart from others of its operator, such as `5x5` or `relu`; may be empty.
        inputs: the names of the layers that it reads; empty if it reads the image.
        shape: the shape of its output: (channels, height, width) or (features,).
        parameters: the number of its weights and biases.
        flops: floating-point operations of the products of a forward pass; a multiplication and its addition are two.
            Activations and pooling are not counted, as is usual.
    """

    name: str
    op: str
    setting: str
    inputs: tuple[str, ...]
    shape: Shape
    parameters: int
    flops: int
