"""The one place that imports MXNet: sets its environment, imports it, and opens the context that a process owns.

Everywhere else, `from mnist_core.context import mx` imports it on first use, for the device that `use_device` chose
(a CPU by default).
"""

import importlib.util
import os
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from mnist_core.errors import DeviceUnavailable, MissingLibrary, last_line
from mnist_core.gpu import gpu_problem
from mnist_core.lean_import import filtered_stderr, hidden_packages
from mnist_core.system_libraries import load_cuda, missing_library

if TYPE_CHECKING:
    mx: Any

DeviceKind = Literal["cpu", "gpu"]

# One worker uses one core: the naive engine runs an operator in the calling thread, so two workers do not fight over
# two cores, and every run sums in the same order. Measured on the tutorials' MLP: 2.1 x the threaded engine's speed
# with two workers on two cores.
_CPU_ENVIRONMENT = {
    "MXNET_ENGINE_TYPE": "NaiveEngine",
    "OMP_NUM_THREADS": "1",
    "MXNET_USE_OPERATOR_TUNING": "0",
    "MXNET_CPU_PRIORITY_NTHREADS": "1",
    "MXNET_SUBGRAPH_VERBOSE": "0",
    # How many prepared computations to cache, per operator and in all of oneDNN; the deepest network needs 30 of one
    # operator. Without a bound, a worker that trains networks of many widths keeps a thousand: LeNets made it grow to
    # 600 MB instead of 300.
    "MXNET_MKLDNN_CACHE_NUM": "32",
    "DNNL_PRIMITIVE_CACHE_CAPACITY": "256",
}
# MXNet's own defaults, but on one core: for comparisons.
_DEFAULT_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
_GPU_ENVIRONMENT = {
    "MXNET_ENGINE_TYPE": "ThreadedEnginePerDevice",
    "MXNET_SUBGRAPH_VERBOSE": "0",
    "MXNET_USE_OPERATOR_TUNING": "0",
    # Tuning convolutions takes longer than a short trial gains by it.
    "MXNET_CUDNN_AUTOTUNE_DEFAULT": "0",
    "MXNET_CUDNN_LIB_CHECKING": "0",
    # By default CUDA puts the fastest GPU first; this counts them as nvidia-smi and Ray do.
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
}

_FUSION = "MXNET_SUBGRAPH_BACKEND"
_GREETING = re.compile(rb"\[[0-9:]+\] \S+\.cc:\d+: MXNet start using engine")

_device: DeviceKind = "cpu"
_tuned = True


def use_device(kind: DeviceKind) -> None:
    """Chooses, before the first use of `mx`, which kind of context this process will own.

    Raises:
        DeviceUnavailable: MXNet is already imported for the other kind.
    """
    global _device
    if "mxnet" in sys.modules and kind != _device:
        raise DeviceUnavailable(
            f"this process imported MXNet for a {_device} context and cannot own a {kind} context: start another one"
        )
    _device = kind


def use_mxnet_defaults() -> None:
    """Keeps MXNet's own CPU settings in this process, for comparisons; call it before the first use of `mx`."""
    global _tuned
    _tuned = False


def open_context(kind: DeviceKind) -> Any:
    """Opens the context that this process owns, and checks that it works.

    Returns:
        an `mx.Context`; a process always sees its GPU as `gpu(0)`.

    Raises:
        DeviceUnavailable: there is no such device, or this MXNet has no code for it.
        MissingLibrary: MXNet, or a library that it needs, is not installed.
    """
    if kind == "gpu" and (problem := gpu_problem(os.environ.get("CUDA_VISIBLE_DEVICES"))):
        raise DeviceUnavailable(problem)
    use_device(kind)
    mxnet = _load_mxnet()
    if kind == "cpu":
        return mxnet.cpu(0)
    if mxnet.context.num_gpus() == 0:
        raise DeviceUnavailable("MXNet sees no GPU in this process: check `nvidia-smi` and CUDA_VISIBLE_DEVICES")
    try:
        mxnet.nd.ones((2, 2), ctx=mxnet.gpu(0)).asnumpy()
    except mxnet.MXNetError as err:
        raise DeviceUnavailable(f"the GPU cannot run this MXNet: {last_line(str(err))}") from err
    return mxnet.gpu(0)


def bind(symbol: Any, context: Any, arguments: Mapping[str, Any], gradients: Mapping[str, Any] | None) -> Any:
    """Binds a Symbol to arrays, as an executor that trains, or as one that only predicts with their current weights.

    By default MXNet fuses the operators of an executor that predicts. Fused operators keep a reordered copy of the
    weights from their first use, and would score every epoch with the weights of the first. The backend `default`
    fuses nothing, but doubles the time of an executor that trains, so it is set for predictions only.

    Args:
        symbol: the network.
        context: the context of the arrays.
        arguments: argument name -> NDArray, for each argument of the network.
        gradients: argument name -> the NDArray that backward writes to; None for an executor that predicts.
    """
    trained = gradients or {}
    if not trained:
        os.environ[_FUSION] = "default"
    try:
        return symbol.bind(
            context,
            dict(arguments),
            args_grad=dict(trained) or None,
            grad_req={name: "write" if name in trained else "null" for name in arguments},
        )
    finally:
        os.environ.pop(_FUSION, None)


def __getattr__(name: str) -> Any:
    if name == "mx":
        return _load_mxnet()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _load_mxnet() -> Any:
    if "mxnet" not in sys.modules:
        _check_installed()
        os.environ.update(_environment())
        _restore_numpy_bool()
        if _device == "gpu":
            load_cuda()
        with filtered_stderr(_GREETING):
            _import_mxnet()
    return sys.modules["mxnet"]


def _check_installed() -> None:
    if importlib.util.find_spec("mxnet") is None:
        raise MissingLibrary("MXNet is not installed: `pip install mxtrials[cpu]` (or mxtrials[gpu], never both)")


def _environment() -> Mapping[str, str]:
    if _device == "gpu":
        return _GPU_ENVIRONMENT
    return _CPU_ENVIRONMENT if _tuned else _DEFAULT_ENVIRONMENT


def _restore_numpy_bool() -> None:
    """Restores `numpy.bool`, which MXNet 1.9.1 uses and numpy 1.24 removed."""
    import numpy

    if "bool" not in numpy.__dict__:
        numpy.bool = numpy.bool_  # type: ignore[attr-defined]


def _import_mxnet() -> None:
    try:
        # MXNet uses scipy for tests, sparse arrays and quantization: a third of the import time, 50 MB per worker.
        with hidden_packages("scipy"):
            import mxnet

        mxnet.nd.waitall()  # the engine prints its greeting on first use, not on import
    except OSError as err:
        if err.errno:  # an error of the operating system; those of the dynamic loader have no errno
            raise
        raise missing_library(err) from err
