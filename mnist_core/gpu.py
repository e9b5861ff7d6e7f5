"""Decides whether this process can own a GPU context, before MXNet is imported.

Asking MXNet would be too late: its GPU build can hang on a GPU that it contains no code for, and cannot be imported
without a driver. Instead, this module asks the driver's own program, nvidia-smi.
"""

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata

from mnist_core.errors import first_line

GPU_DISTRIBUTION = "mxnet-cu117"

# Machine code runs on GPUs of the same major version and the same or a later minor version. The library's lowest and
# highest are 5.0 and 8.6; it has none, nor PTX to compile, for major version 9 (NVIDIA, Hopper Compatibility Guide).
_LOWEST = (5, 0)
_BEYOND = (9, 0)
_SUPPORTED = "mxnet-cu117 1.9.1 contains machine code up to 8.6 and no PTX, so it runs on 5.0 to 8.9 only"
_FIELDS = "compute_cap,uuid,name"
# A driver that is unloaded between uses takes a few seconds to start.
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Gpu:
    """One GPU of this machine; compute_capability: (major, minor)."""

    name: str
    uuid: str
    compute_capability: tuple[int, int]


def gpu_problem(visible: str | None = None) -> str | None:
    """Returns why this process cannot own a GPU context, in one sentence; None if it can.

    Args:
        visible: the value of CUDA_VISIBLE_DEVICES; None if unset. Only the first GPU that it selects is checked,
            because a process owns that one.
    """
    problem = distribution_problem(installed_distributions())
    if problem is not None:
        return problem
    gpus = list_gpus()
    if isinstance(gpus, str):
        return gpus
    selected = visible_gpus(gpus, visible)
    if not selected:
        return f"CUDA_VISIBLE_DEVICES is {visible!r}, which hides all {len(gpus)} GPUs: unset it"
    return capability_problem(selected[0])


def installed_distributions() -> list[str]:
    """Returns the names of the installed packages that contain MXNet: `mxnet`, `mxnet-cu117`, ..."""
    names = {(found.metadata["Name"] or "").lower().replace("_", "-") for found in metadata.distributions()}
    return sorted(name for name in names if name == "mxnet" or name.startswith("mxnet-cu"))


def distribution_problem(installed: Sequence[str]) -> str | None:
    """Returns why these packages cannot use a GPU; None if they can."""
    match list(installed):
        case []:
            return "MXNet is not installed: `pip install mxtrials[gpu]`"
        case [name] if name == GPU_DISTRIBUTION:
            return None
        case [name]:
            what = "MXNet for CPUs" if name == "mxnet" else "MXNet for another CUDA"
            return f"{name} is installed, which is {what}: `pip uninstall {name}`, then `pip install mxtrials[gpu]`"
        case names:
            listed = " and ".join(names)
            return f"{listed} are installed and overwrite each other's files: uninstall all, then install one"


def list_gpus(program: str = "nvidia-smi", timeout_s: float = _TIMEOUT_S) -> tuple[Gpu, ...] | str:
    """Asks the driver for this machine's GPUs, in the order of their PCI bus IDs; returns the reason if that fails."""
    command = [program, f"--query-gpu={_FIELDS}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{program} did not answer within {timeout_s:g} s: check the NVIDIA driver"
    except OSError as err:
        return f"{program} cannot be run ({err.strerror}): there is no GPU here, or no NVIDIA driver"
    if answer.returncode != 0:
        said = first_line(answer.stdout + answer.stderr, "nothing")
        return f"{program} failed with exit code {answer.returncode} and said {said!r}: check the NVIDIA driver"
    return parse_gpus(answer.stdout) or f"{program} lists no GPU: check that this machine or container has one"


def parse_gpus(listing: str) -> tuple[Gpu, ...]:
    """Returns the GPUs of a listing with lines such as `9.0, GPU-<uuid>, NVIDIA H200`; skips all other lines."""
    fields = (tuple(field.strip() for field in line.split(",", maxsplit=2)) for line in listing.splitlines())
    return tuple(
        Gpu(name, uuid, (int(major), int(minor)))
        for capability, uuid, name in (found for found in fields if len(found) == 3)
        for major, _, minor in [capability.partition(".")]
        if major.isdecimal() and minor.isdecimal()
    )


def visible_gpus(gpus: Sequence[Gpu], visible: str | None) -> tuple[Gpu, ...]:
    """Returns the GPUs that CUDA_VISIBLE_DEVICES selects, in that order; as in CUDA, an unknown entry ends the list."""
    # nvidia-smi lists no MIG slices. A slice has the capability of its card; a machine's cards are assumed to be alike.
    if visible is None or "MIG-" in visible:
        return tuple(gpus)
    selected: list[Gpu] = []
    for entry in visible.split(","):
        gpu = _find(gpus, entry.strip())
        if gpu is None:
            break
        selected.append(gpu)
    return tuple(selected)


def capability_problem(gpu: Gpu) -> str | None:
    """Returns why MXNet cannot use this GPU; None if it can."""
    if _LOWEST <= gpu.compute_capability < _BEYOND:
        return None
    major, minor = gpu.compute_capability
    return f"GPU is {gpu.name}, compute capability {major}.{minor}: {_SUPPORTED}"


def _find(gpus: Iterable[Gpu], entry: str) -> Gpu | None:
    """Returns the GPU that an entry of CUDA_VISIBLE_DEVICES names, by its number or by the start of its UUID."""
    for number, gpu in enumerate(gpus):
        if entry == str(number) or (entry.startswith("GPU-") and gpu.uuid.startswith(entry)):
            return gpu
    return None
