"""Calls a bound MXNet executor through MXNet's C interface.

MXNet's Python wrapper recreates its output arrays on each call, which costs as much as a small network. The C interface
is only reachable through private names of MXNet's Python package; this is the only file that uses them.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from mnist_core.context import mx
from mnist_core.data.dataset import FloatArray


class RawExecutor:
    """Calls an executor that MXNet's `Symbol.bind` returned."""

    def __init__(self, executor: Any) -> None:
        self._executor = executor
        self._library = mx.base._LIB  # noqa: SLF001 - there is no public access to it
        self._no_gradients = mx.base.c_handle_array([])
        self._outputs = executor.outputs
        on_cpu = all(output.context.device_type == "cpu" for output in self._outputs)
        self._memory = [_memory_of(output) for output in self._outputs] if on_cpu else None

    def forward(self, is_train: bool) -> None:
        """Computes the outputs."""
        mx.base.check_call(self._library.MXExecutorForward(self._executor.handle, ctypes.c_int(is_train)))

    def backward(self) -> None:
        """Computes the gradients of the last `forward`."""
        call = self._library.MXExecutorBackwardEx
        mx.base.check_call(call(self._executor.handle, ctypes.c_uint(0), self._no_gradients, ctypes.c_int(1)))

    def outputs(self) -> Sequence[FloatArray]:
        """Returns the outputs; on a CPU they are the executor's own memory, valid until the next `forward`."""
        if self._memory is None:
            return [output.asnumpy() for output in self._outputs]
        # Needed if a program imported MXNet before us, because its engine then computes in threads.
        for output in self._outputs:
            mx.base.check_call(self._library.MXNDArrayWaitToRead(output.handle))
        return self._memory


def _memory_of(ndarray: Any) -> FloatArray:
    """Returns the memory of an NDArray on a CPU as a numpy array."""
    address = ctypes.POINTER(ctypes.c_float)()
    mx.base.check_call(mx.base._LIB.MXNDArrayGetData(ndarray.handle, ctypes.byref(address)))  # noqa: SLF001
    return np.ctypeslib.as_array(address, ndarray.shape)
