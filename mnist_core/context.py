"""The one door to MXNet: its environment, its import, and the context that a process owns.

Everything else says `from mnist_core.context import mx`; the import happens at that moment, once, for the device
that `use_device` named before (a CPU unless told otherwise).
"""

import ctypes
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mnist_core.errors import DeviceUnavailable, MissingLibrary, last_line
from mnist_core.gpu import gpu_problem
from mnist_core.lean_import import hidden_packages

if TYPE_CHECKING:
    mx: Any

DeviceKind = Literal["cpu", "gpu"]

# One worker is one core: the naive engine runs an operator in the calling thread, so two workers do not fight over
# two cores, and every run sums in the same order. Measured on the tutorials' MLP: 2.1 x the threaded engine's speed
# with two workers on two cores.
_CPU_ENVIRONMENT = {
    "MXNET_ENGINE_TYPE": "NaiveEngine",
    "OMP_NUM_THREADS": "1",
    "MXNET_USE_OPERATOR_TUNING": "0",
    "MXNET_CPU_PRIORITY_NTHREADS": "1",
    "MXNET_SUBGRAPH_VERBOSE": "0",
    # So many prepared computations of each operator, and of all in oneDNN itself, are kept; the deepest network needs
    # 30 of one operator. Without a bound a worker that trains networks of ever other widths keeps a thousand: LeNets
    # made it 600 MB large instead of 300.
    "MXNET_MKLDNN_CACHE_NUM": "32",
    "DNNL_PRIMITIVE_CACHE_CAPACITY": "256",
}
# What a user of MXNet has who sets nothing, but on one core: for comparisons.
_UNTUNED_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
_GPU_ENVIRONMENT = {
    "MXNET_ENGINE_TYPE": "ThreadedEnginePerDevice",
    "MXNET_SUBGRAPH_VERBOSE": "0",
    "MXNET_USE_OPERATOR_TUNING": "0",
    # Tuning convolutions takes longer than a short trial gains by it.
    "MXNET_CUDNN_AUTOTUNE_DEFAULT": "0",
    "MXNET_CUDNN_LIB_CHECKING": "0",
    # CUDA would put the fastest GPU first: with this it counts them as nvidia-smi and Ray do.
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
}
# The GPU wheel bundles no CUDA library: these, of the nvidia-*-cu11 packages, must be loaded before it, in this order.
_CUDA_LIBRARIES = (
    "cuda_runtime/lib/libcudart.so.11.0",
    "nvtx/lib/libnvToolsExt.so.1",
    "cuda_nvrtc/lib/libnvrtc.so.11.2",
    "cublas/lib/libcublasLt.so.11",
    "cublas/lib/libcublas.so.11",
    "cufft/lib/libcufft.so.10",
    "curand/lib/libcurand.so.10",
    "cusparse/lib/libcusparse.so.11",
    "cusolver/lib/libcusolver.so.11",
    "nccl/lib/libnccl.so.2",
    "cudnn/lib/libcudnn.so.8",
)
_DEBIAN_PACKAGES = {"libquadmath.so.0": "libquadmath0", "libgomp.so.1": "libgomp1"}

_FUSION = "MXNET_SUBGRAPH_BACKEND"
_GREETING = re.compile(rb"\[[0-9:]+\] \S+\.cc:\d+: MXNet start using engine")

_device: DeviceKind = "cpu"


def use_device(kind: DeviceKind) -> None:
    """Says, before the first use of `mx`, which kind of context this process will own.

    Raises:
        DeviceUnavailable: MXNet is imported already, for the other kind.
    """
    global _device
    if "mxnet" in sys.modules and kind != _device:
        raise DeviceUnavailable(
            f"this process imported MXNet for a {_device} context and cannot own a {kind} context: start another"
        )
    _device = kind


def use_mxnet_defaults() -> None:
    """Lets MXNet keep its own settings in this process, before the first use of `mx`: for comparisons."""
    _CPU_ENVIRONMENT.clear()
    _CPU_ENVIRONMENT.update(_UNTUNED_ENVIRONMENT)


def open_context(kind: DeviceKind) -> Any:
    """Opens the context that this process owns, and proves that it computes.

    Returns:
        an `mx.Context`; a process with a GPU always sees it as `gpu(0)`.

    Raises:
        DeviceUnavailable: no such device, or one that this MXNet holds no code for.
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
    """Binds a Symbol to arrays: an executor that trains, or one that only predicts, with the weights of the moment.

    Left to itself, MXNet fuses the operators of a predicting executor into ones that keep a reordered copy of the
    weights from their first use on: it would score every epoch with the weights of the first. The backend `default`
    fuses nothing; but an executor that trains takes twice as long with it, so that it is named for predictions only.

    Args:
        symbol: the network.
        context: where the arrays are.
        arguments: by name, an NDArray for each argument of the network.
        gradients: by name, where backward writes; None for an executor that predicts.
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
        os.environ.update(_CPU_ENVIRONMENT if _device == "cpu" else _GPU_ENVIRONMENT)
        _restore_numpy_bool()
        if _device == "gpu":
            _preload_cuda()
        with _stderr_kept_back():
            _import_mxnet()
    return sys.modules["mxnet"]


def _check_installed() -> None:
    if importlib.util.find_spec("mxnet") is None:
        raise MissingLibrary("MXNet is not installed: `pip install mxtrials[cpu]` (or mxtrials[gpu], never both)")


def _restore_numpy_bool() -> None:
    """MXNet 1.9.1 reads `numpy.bool`, which numpy 1.24 removed."""
    import numpy

    if "bool" not in numpy.__dict__:
        numpy.bool = numpy.bool_  # type: ignore[attr-defined]


def _preload_cuda() -> None:
    spec = importlib.util.find_spec("nvidia")
    roots = [Path(root) for root in (spec.submodule_search_locations or [])] if spec else []
    for library in _CUDA_LIBRARIES:
        for root in roots:
            if (root / library).exists():
                ctypes.CDLL(str(root / library), mode=ctypes.RTLD_GLOBAL)


def _import_mxnet() -> None:
    try:
        # For its tests, sparse arrays and quantization: a third of the import's time, and 50 MB in every worker.
        with hidden_packages("scipy"):
            import mxnet

        mxnet.nd.waitall()  # the engine greets on its first use, not at the import
    except OSError as err:
        if err.errno:  # the system's, not the loader's
            raise
        library = str(err).split(":")[0]
        package = _DEBIAN_PACKAGES.get(library)
        remedy = f"`apt-get install {package}`" if package else "`mxtrials doctor` says more"
        raise MissingLibrary(f"MXNet cannot load {library} ({err}): {remedy}") from err


@contextmanager
def _stderr_kept_back() -> Iterator[None]:
    """Drops the engine's greeting, which MXNet's library writes to file descriptor 2 when it is loaded.

    Whatever else is written there meanwhile, also by other threads, comes afterwards.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with os.fdopen(os.memfd_create("stderr"), "w+b") as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            sink.seek(0)
            for line in sink:
                if not _GREETING.match(line):
                    os.write(2, line)
