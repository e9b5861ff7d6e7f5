"""sgd, nag and adam as one update over one flat vector, bit-identical to MXNet's own optimizers.

On a CPU, numpy works in place on the memory that the executor is bound to, which is several times faster than the
MXNet operators; on a GPU, those operators do it. The formulas and their order of rounding are those of
mxnet/src/operator/optimizer_op-inl.h, version 1.9.1; each names its operator.
"""

from collections.abc import Callable
from math import sqrt
from typing import Any, Protocol

import numpy as np
from typing_extensions import override

from mnist_core.config import TrainingConfig
from mnist_core.context import mx
from mnist_core.model.parameters import Layout, Vector


class FlatOptimizer(Protocol):
    """Updates the flat vector of weights from the flat vector of gradients, which it may overwrite."""

    def step(self, learning_rate: float, rescale: float) -> None:
        """Makes one update; `rescale` multiplies the summed gradient (1 / images in the batch)."""

    def state(self) -> tuple[Vector, ...]:
        """Returns copies of the vectors kept between steps; empty for sgd and nag without momentum."""

    def restore(self, state: tuple[Vector, ...], steps: int) -> None:
        """Continues from a `state()` taken after this number of steps."""


def state_vectors(config: TrainingConfig) -> int:
    """Returns the number of flat vectors that the optimizer keeps between steps."""
    if config.optimizer == "adam":
        return 2
    return 1 if config.momentum > 0 else 0


class CpuOptimizer(FlatOptimizer):
    """In-place numpy over the executor's own memory. weights, gradient: (P,) float32, P = layout.size."""

    def __init__(self, config: TrainingConfig, layout: Layout, weights: Vector, gradient: Vector) -> None:
        self._config = config
        self._weights = weights
        self._gradient = gradient
        self._decayed = layout.decayed
        self._state = tuple(np.zeros_like(weights) for _ in range(state_vectors(config)))
        self._scratch = np.empty_like(weights)
        self._steps = 0
        # Unbound: a bound method would make a reference cycle, and keep the vectors until Python's garbage collection.
        self._update = self._update_of(config)

    @override
    def step(self, learning_rate: float, rescale: float) -> None:
        self._steps += 1
        self._update(self, learning_rate, rescale)

    @override
    def state(self) -> tuple[Vector, ...]:
        return tuple(vector.copy() for vector in self._state)

    @override
    def restore(self, state: tuple[Vector, ...], steps: int) -> None:
        for mine, saved in zip(self._state, state, strict=True):
            mine[...] = saved
        self._steps = steps

    @classmethod
    def _update_of(cls, config: TrainingConfig) -> "Callable[[CpuOptimizer, float, float], None]":
        if config.optimizer == "adam":
            return cls._adam
        if config.momentum == 0:
            return cls._sgd
        return cls._nag if config.optimizer == "nag" else cls._sgd_momentum

    def _decay(self, factor: np.float32) -> Vector:
        """Returns factor * weights for the part that decays, in the scratch vector: (layout.decayed,)."""
        return np.multiply(self._weights[: self._decayed], factor, out=self._scratch[: self._decayed])

    def _sgd(self, learning_rate: float, rescale: float) -> None:
        """w -= (lr * rescale) * g + (lr * wd) * w (multi_sgd_update)."""
        lr, wd = np.float32(learning_rate), np.float32(self._config.weight_decay)
        gradient = self._gradient
        gradient *= lr * np.float32(rescale)
        if wd:
            gradient[: self._decayed] += self._decay(lr * wd)
        self._weights -= gradient

    def _sgd_momentum(self, learning_rate: float, rescale: float) -> None:
        """m = momentum * m - (lr * wd) * w - (lr * rescale) * g; w += m (multi_sgd_mom_update)."""
        lr, wd = np.float32(learning_rate), np.float32(self._config.weight_decay)
        (momentum,) = self._state
        momentum *= np.float32(self._config.momentum)
        if wd:
            momentum[: self._decayed] -= self._decay(lr * wd)
        self._gradient *= lr * np.float32(rescale)
        momentum -= self._gradient
        self._weights += momentum

    def _nag(self, learning_rate: float, rescale: float) -> None:
        """Sutskever et al. 2013, with d = lr * (rescale * g + wd * w).

        m *= momentum; w += -m + (1 + momentum) * (m - d); m -= d, where the last d is of the new w, because the
        operator works in place (nag_mom_update).
        """
        lr, wd = np.float32(learning_rate), np.float32(self._config.weight_decay)
        factor = np.float32(self._config.momentum)
        (momentum,) = self._state
        weights, gradient, scratch = self._weights, self._gradient, self._scratch
        momentum *= factor
        gradient *= np.float32(rescale)
        scratch[...] = gradient
        if wd:
            np.add(self._decay(wd), gradient[: self._decayed], out=scratch[: self._decayed])
        scratch *= lr
        np.subtract(momentum, scratch, out=scratch)
        scratch *= factor + np.float32(1)
        weights -= momentum
        weights += scratch
        if wd:
            gradient[: self._decayed] += self._decay(wd)
        gradient *= lr
        momentum -= gradient

    def _adam(self, learning_rate: float, rescale: float) -> None:
        """Kingma and Ba 2015, with L2 decay inside the gradient and the bias correction in the learning rate.

        g = rescale * g + wd * w; m = b1 * m + (1 - b1) * g; v = b2 * v + (1 - b2) * g * g;
        w -= lr * m / (sqrt(v) + epsilon) (adam_update).
        """
        config, one = self._config, np.float32(1)
        beta1, beta2, wd = np.float32(config.beta1), np.float32(config.beta2), np.float32(config.weight_decay)
        mean, variance = self._state
        gradient, scratch = self._gradient, self._scratch
        gradient *= np.float32(rescale)
        if wd:
            gradient[: self._decayed] += self._decay(wd)
        mean *= beta1
        mean += np.multiply(gradient, one - beta1, out=scratch)
        np.multiply(gradient, one - beta2, out=scratch)
        scratch *= gradient
        variance *= beta2
        variance += scratch
        np.sqrt(variance, out=scratch)
        scratch += np.float32(config.epsilon)
        np.multiply(mean, np.float32(learning_rate * _bias_correction(config, self._steps)), out=gradient)
        gradient /= scratch
        self._weights -= gradient


class DeviceOptimizer(FlatOptimizer):
    """MXNet's own operators over two slices, for a GPU. weights, gradient: NDArray (P,) float32."""

    def __init__(self, config: TrainingConfig, layout: Layout, weights: Any, gradient: Any) -> None:
        self._config = config
        self._state = tuple(mx.nd.zeros_like(weights) for _ in range(state_vectors(config)))
        parts = ((slice(0, layout.decayed), config.weight_decay), (slice(layout.decayed, layout.size), 0.0))
        self._parts = [
            (weights[part], gradient[part], [vector[part] for vector in self._state], decay) for part, decay in parts
        ]
        self._steps = 0

    @override
    def step(self, learning_rate: float, rescale: float) -> None:
        self._steps += 1
        for weights, gradient, state, decay in self._parts:
            options = {"out": weights, "lr": learning_rate, "wd": decay, "rescale_grad": rescale}
            self._operator(weights, gradient, *state, **options)

    @override
    def state(self) -> tuple[Vector, ...]:
        return tuple(vector.asnumpy() for vector in self._state)

    @override
    def restore(self, state: tuple[Vector, ...], steps: int) -> None:
        for mine, saved in zip(self._state, state, strict=True):
            mine[:] = saved
        self._steps = steps

    def _operator(self, *arrays: Any, **options: Any) -> None:
        config = self._config
        if config.optimizer == "adam":
            options["lr"] *= _bias_correction(config, self._steps)
            mx.nd.adam_update(*arrays, beta1=config.beta1, beta2=config.beta2, epsilon=config.epsilon, **options)
        elif not self._state:
            mx.nd.sgd_update(*arrays, **options)
        elif config.optimizer == "nag":
            mx.nd.nag_mom_update(*arrays, momentum=config.momentum, **options)
        else:
            mx.nd.sgd_mom_update(*arrays, momentum=config.momentum, **options)


def _bias_correction(config: TrainingConfig, steps: int) -> float:
    """Returns the factor for adam's learning rate at a step, counted from 1."""
    return sqrt(1 - config.beta2**steps) / (1 - config.beta1**steps)
