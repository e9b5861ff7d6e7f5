"""The system libraries that MXNet needs but does not ship. Imports no MXNet, because the doctor uses this too."""

import ctypes
import importlib.util
from collections.abc import Mapping
from pathlib import Path

from mnist_core.errors import MissingLibrary

DEBIAN_PACKAGES: Mapping[str, str] = {"libgomp.so.1": "libgomp1", "libquadmath.so.0": "libquadmath0"}
"""The Debian package that installs each of MXNet's system libraries."""

# The GPU wheel bundles no CUDA libraries. It needs these, from the nvidia-*-cu11 packages, loaded first, in this order.
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


def load_cuda() -> None:
    """Loads the CUDA libraries of those nvidia-*-cu11 packages that are installed."""
    spec = importlib.util.find_spec("nvidia")
    roots = [Path(root) for root in (spec.submodule_search_locations or [])] if spec else []
    for library in _CUDA_LIBRARIES:
        for root in roots:
            if (root / library).exists():
                ctypes.CDLL(str(root / library), mode=ctypes.RTLD_GLOBAL)


def missing_library(err: OSError) -> MissingLibrary:
    """Turns what the dynamic loader raised when MXNet was imported into an error with a remedy."""
    library = str(err).split(":")[0]
    package = DEBIAN_PACKAGES.get(library)
    remedy = f"`apt-get install {package}`" if package else "`mxtrials doctor` says more"
    return MissingLibrary(f"MXNet cannot load {library} ({err}): {remedy}")
