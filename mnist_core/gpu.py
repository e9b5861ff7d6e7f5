"""Whether this process may own a GPU context, decided before MXNet is imported.

Asking MXNet is too late: its GPU build can stall on a GPU that it holds no code for, and cannot be imported without a
driver. So the driver's own program, nvidia-smi, is asked.
"""

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata

from mnist_core.errors import first_line

GPU_DISTRIBUTION = "mxnet-cu117"

# Machine code runs on GPUs of its own major version from its own minor version on; the library's lowest and highest
# are 5.0 and 8.6, and it has none (nor PTX to make some from) for major version 9 (NVIDIA, Hopper Compatibility Guide).
_LOWEST, _BEYOND = (5, 0), (9, 0)
_HELD = "mxnet-cu117 1.9.1 holds machine code up to 8.6 and no PTX, so it runs on 5.0 to 8.9 only"
_FIELDS = "compute_cap,uuid,name"
# A driver that is not kept in memory between uses takes some seconds to start.
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Gpu:
    """One GPU of this machine; compute_capability: (major, minor)."""

    name: str
    uuid: str
    compute_capability: tuple[int, int]


def gpu_problem(visible: str | None = None) -> str | None:
    """Why this process cannot own a GPU context, in one sentence; None where it can.

    Args:
        visible: the value of CUDA_VISIBLE_DEVICES, None where it is unset. The first GPU that it leaves is judged,
            because a process owns that one.
    """
    problem = distribution_problem(installed_distributions())
    if problem is not None:
        return problem
    gpus = list_gpus()
    if isinstance(gpus, str):
        return gpus
    left = visible_gpus(gpus, visible)
    if not left:
        return f"CUDA_VISIBLE_DEVICES is {visible!r}, which hides every one of the {len(gpus)} GPUs: unset it"
    return capability_problem(left[0])


def installed_distributions() -> list[str]:
    """The names of the installed packages that are MXNet: `mxnet`, `mxnet-cu117`, ..."""
    names = {(found.metadata["Name"] or "").lower().replace("_", "-") for found in metadata.distributions()}
    return sorted(name for name in names if name == "mxnet" or name.startswith("mxnet-cu"))


def distribution_problem(installed: Sequence[str]) -> str | None:
    """Why these packages cannot compute on a GPU; None where they can."""
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
    """Asks the driver for this machine's GPUs, in the order of their PCI bus numbers; or why it cannot tell."""
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
    """The GPUs of a listing with one line `9.0, GPU-<uuid>, NVIDIA H200` each; a line that is none is passed over."""
    fields = (tuple(field.strip() for field in line.split(",", maxsplit=2)) for line in listing.splitlines())
    return tuple(
        Gpu(name, uuid, (int(major), int(minor)))
        for capability, uuid, name in (found for found in fields if len(found) == 3)
        for major, _, minor in [capability.partition(".")]
        if major.isdecimal() and minor.isdecimal()
    )


def visible_gpus(gpus: Sequence[Gpu], visible: str | None) -> tuple[Gpu, ...]:
    """The GPUs that CUDA_VISIBLE_DEVICES leaves, in its order; as in CUDA, an entry that names none ends the list."""
    # The driver's list has no MIG slices; each has the compute capability of its card, and cards of one kind.
    if visible is None or "MIG-" in visible:
        return tuple(gpus)
    left: list[Gpu] = []
    for entry in visible.split(","):
        gpu = _named(gpus, entry.strip())
        if gpu is None:
            break
        left.append(gpu)
    return tuple(left)


def capability_problem(gpu: Gpu) -> str | None:
    """Why MXNet cannot compute on this GPU; None where it can."""
    if _LOWEST <= gpu.compute_capability < _BEYOND:
        return None
    return f"GPU is {gpu.name}, compute capability {'.'.join(map(str, gpu.compute_capability))}: {_HELD}"


def _named(gpus: Iterable[Gpu], entry: str) -> Gpu | None:
    """The GPU that an entry of CUDA_VISIBLE_DEVICES names: by its number, or by the beginning of its UUID."""
    for number, gpu in enumerate(gpus):
        if entry == str(number) or (entry.startswith("GPU-") and gpu.uuid.startswith(entry)):
            return gpu
    return None
