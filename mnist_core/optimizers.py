"""sgd, nag and adam as one update over one flat vector, equal to MXNet's own optimizers.

On a CPU numpy works in place on the memory that the executor is bound to, which is several times faster than the
MXNet operators; on a GPU those operators do it. Formulas: mxnet/src/operator/optimizer_op-inl.h, version 1.9.1.
"""

from math import sqrt
from typing import Any, Protocol

import numpy as np

from mnist_core.config import TrainingConfig
from mnist_core.context import mx
from mnist_core.parameters import Layout, Vector


class FlatOptimizer(Protocol):
    """Updates the flat weight vector from the flat gradient vector, which it may overwrite."""

    def step(self, learning_rate: float, rescale: float) -> None:
        """One update; `rescale` is what the summed gradient is multiplied by (1 / images in the batch)."""

    def state(self) -> tuple[Vector, ...]:
        """Copies of what the optimizer remembers between steps; empty before momentum matters."""

    def restore(self, state: tuple[Vector, ...], steps: int) -> None:
        """Goes on from a `state()` that was taken after so many steps."""


def state_vectors(config: TrainingConfig) -> int:
    """How many flat vectors the optimizer keeps between steps."""
    if config.optimizer == "adam":
        return 2
    return 1 if config.momentum > 0 else 0


class CpuOptimizer:
    """In-place numpy over the executor's own memory. weights, gradient: (P,) float32, P = layout.size."""

    def __init__(self, config: TrainingConfig, layout: Layout, weights: Vector, gradient: Vector) -> None:
        self._config = config
        self._weights, self._gradient = weights, gradient
        self._decayed = layout.decayed
        self._state = tuple(np.zeros_like(weights) for _ in range(state_vectors(config)))
        self._scratch = np.empty_like(weights)
        self._steps = 0
        self._update = self._adam if config.optimizer == "adam" else self._nag if self._is_nag() else self._sgd

    def step(self, learning_rate: float, rescale: float) -> None:
        """See FlatOptimizer."""
        self._steps += 1
        self._update(learning_rate, rescale)

    def state(self) -> tuple[Vector, ...]:
        """See FlatOptimizer."""
        return tuple(vector.copy() for vector in self._state)

    def restore(self, state: tuple[Vector, ...], steps: int) -> None:
        """See FlatOptimizer."""
        for mine, saved in zip(self._state, state, strict=True):
            mine[...] = saved
        self._steps = steps

    def _is_nag(self) -> bool:
        return self._config.optimizer == "nag" and self._config.momentum > 0

    def _add_decay(self, factor: float) -> None:
        """gradient += factor * weights, on the part that decays."""
        if factor:
            decay = self._scratch[: self._decayed]
            np.multiply(self._weights[: self._decayed], np.float32(factor), out=decay)
            self._gradient[: self._decayed] += decay

    def _sgd(self, learning_rate: float, rescale: float) -> None:
        """m = momentum * m - lr * (rescale * g + wd * w); w += m."""
        self._gradient *= np.float32(learning_rate * rescale)
        self._add_decay(learning_rate * self._config.weight_decay)
        if not self._state:
            self._weights -= self._gradient
            return
        (momentum,) = self._state
        momentum *= np.float32(self._config.momentum)
        momentum -= self._gradient
        self._weights += momentum

    def _nag(self, learning_rate: float, rescale: float) -> None:
        """m = momentum * m - lr * (rescale * g + wd * w); w += momentum * m - lr * (rescale * g + wd * w)."""
        (momentum,) = self._state
        self._gradient *= np.float32(learning_rate * rescale)
        self._add_decay(learning_rate * self._config.weight_decay)
        momentum *= np.float32(self._config.momentum)
        momentum -= self._gradient
        self._weights -= self._gradient
        np.multiply(momentum, np.float32(self._config.momentum), out=self._scratch)
        self._weights += self._scratch

    def _adam(self, learning_rate: float, rescale: float) -> None:
        """Kingma and Ba 2015, with L2 decay inside the gradient and the bias correction in the learning rate."""
        beta1, beta2 = self._config.beta1, self._config.beta2
        corrected = learning_rate * sqrt(1 - beta2**self._steps) / (1 - beta1**self._steps)
        mean, variance = self._state
        gradient, scratch = self._gradient, self._scratch
        gradient *= np.float32(rescale)
        self._add_decay(self._config.weight_decay)
        np.multiply(gradient, gradient, out=scratch)
        scratch *= np.float32(1 - beta2)
        variance *= np.float32(beta2)
        variance += scratch
        gradient *= np.float32(1 - beta1)
        mean *= np.float32(beta1)
        mean += gradient
        np.sqrt(variance, out=scratch)
        scratch += np.float32(self._config.epsilon)
        np.divide(mean, scratch, out=scratch)
        scratch *= np.float32(corrected)
        self._weights -= scratch


class DeviceOptimizer:
    """MXNet's own operators over two slices, for a GPU. weights, gradient: NDArray (P,) float32."""

    def __init__(self, config: TrainingConfig, layout: Layout, weights: Any, gradient: Any) -> None:
        self._config = config
        self._state = tuple(mx.nd.zeros_like(weights) for _ in range(state_vectors(config)))
        parts = ((slice(0, layout.decayed), config.weight_decay), (slice(layout.decayed, layout.size), 0.0))
        self._parts = [
            (weights[part], gradient[part], [vector[part] for vector in self._state], decay) for part, decay in parts
        ]
        self._steps = 0

    def step(self, learning_rate: float, rescale: float) -> None:
        """See FlatOptimizer."""
        self._steps += 1
        for weights, gradient, state, decay in self._parts:
            options = {"out": weights, "lr": learning_rate, "wd": decay, "rescale_grad": rescale}
            self._operator(weights, gradient, *state, **options)

    def state(self) -> tuple[Vector, ...]:
        """See FlatOptimizer."""
        return tuple(vector.asnumpy() for vector in self._state)

    def restore(self, state: tuple[Vector, ...], steps: int) -> None:
        """See FlatOptimizer."""
        for mine, saved in zip(self._state, state, strict=True):
            mine[:] = saved
        self._steps = steps

    def _operator(self, *arrays: Any, **options: Any) -> None:
        config = self._config
        if config.optimizer == "adam":
            correction = sqrt(1 - config.beta2**self._steps) / (1 - config.beta1**self._steps)
            options["lr"] *= correction
            mx.nd.adam_update(*arrays, beta1=config.beta1, beta2=config.beta2, epsilon=config.epsilon, **options)
        elif not self._state:
            mx.nd.sgd_update(*arrays, **options)
        elif config.optimizer == "nag":
            mx.nd.nag_mom_update(*arrays, momentum=config.momentum, **options)
        else:
            mx.nd.sgd_mom_update(*arrays, momentum=config.momentum, **options)
