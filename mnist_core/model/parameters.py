"""A network's weights and their gradients as two flat vectors, with one view per layer for the executor.

One update over one vector replaces one call per layer, and the whole state of a network is a single array.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_core.config import Initializer

Vector = npt.NDArray[np.float32]

# oneDNN reads 64 bytes at a time: each parameter starts on such a boundary.
ALIGNMENT_BYTES = 64
_ALIGNMENT = ALIGNMENT_BYTES // 4


@dataclass(frozen=True)
class Layout:
    """Where each parameter is in the flat vector: those that decay come first.

    MXNet only decays `*_weight` (these networks have no `*_gamma`), so the parameters that decay are one leading slice.

    Attributes:
        shapes: parameter name -> shape, in the Symbol's order.
        offsets: parameter name -> first element in the vector.
        decayed: number of leading elements that decay.
        size: length of the vector, including padding, which is zero and stays zero.
    """

    shapes: Mapping[str, tuple[int, ...]]
    offsets: Mapping[str, int]
    decayed: int
    size: int

    @classmethod
    def of(cls, shapes: Mapping[str, tuple[int, ...]]) -> "Layout":
        """Lays out parameters, given name -> shape in the Symbol's order."""
        offsets: dict[str, int] = {}
        end = decayed = 0
        for name in sorted(shapes, key=lambda name: not name.endswith("_weight")):  # stable: weights, then biases
            offsets[name] = end
            end += -(-prod(shapes[name]) // _ALIGNMENT) * _ALIGNMENT
            if name.endswith("_weight"):
                decayed = end
        return cls(shapes, offsets, decayed, end)

    def view(self, vector: Any, name: str) -> Any:
        """Returns a view of one parameter in a flat vector (numpy or NDArray)."""
        offset = self.offsets[name]
        shape = self.shapes[name]
        return vector[offset : offset + prod(shape)].reshape(shape)

    def unpack(self, vector: Vector) -> dict[str, npt.NDArray[np.float32]]:
        """Returns name -> view of each parameter in a flat vector."""
        return {name: self.view(vector, name) for name in self.shapes}

    def pack(self, parameters: Mapping[str, npt.NDArray[np.float32]]) -> Vector:
        """Returns the flat vector of parameters, given name -> array."""
        vector = np.zeros(self.size, np.float32)
        for name in self.shapes:
            self.view(vector, name)[...] = parameters[name]
        return vector


def initial_weights(layout: Layout, initializer: Initializer, seed: int) -> Vector:
    """Draws the initial weights of a trial; biases are zero. The scales are MXNet's defaults.

    uniform: U(-0.01, 0.01), normal: N(0, 0.01), xavier: U(-a, a) with a = sqrt(3 / ((fan_in + fan_out) / 2))
    (mxnet/initializer.py; Glorot and Bengio, 2010).
    """
    rng = np.random.default_rng([seed, 0])
    vector = np.zeros(layout.size, np.float32)
    for name, shape in layout.shapes.items():
        if name.endswith("_weight"):
            layout.view(vector, name)[...] = _draw(rng, initializer, shape)
    return vector


def weights_sha256(weights: Vector) -> str:
    """Returns the SHA-256 (hex) of the weights' bytes; equal digests mean bit-identical weights."""
    return hashlib.sha256(np.ascontiguousarray(weights).data).hexdigest()


def _draw(rng: np.random.Generator, initializer: Initializer, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    if initializer == "normal":
        return rng.normal(0.0, 0.01, shape)
    if initializer == "uniform":
        return rng.uniform(-0.01, 0.01, shape)
    receptive = prod(shape[2:])
    fan_out, fan_in = shape[0] * receptive, shape[1] * receptive
    scale = float(np.sqrt(3.0 / ((fan_in + fan_out) / 2.0)))
    return rng.uniform(-scale, scale, shape)
