"""The doctor's checks of what this machine has: cores, memory, disk, the data cache, GPUs."""

import os
import shutil
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path

from cluster.machine.memory import WORKER_BYTES, Memory, read_memory
from cluster.machine.processor import Cores, read_cores
from jobs.doctor.check import CheckResult
from mnist_core.errors import NotWritable
from mnist_core.gpu import Gpu, capability_problem, distribution_problem, installed_distributions, list_gpus

_MB, _GB = 10**6, 10**9
# Ray's own processes and the driver took 0.6 GB; the rest is a margin.
_BASE_BYTES = 800 * _MB
# A worker that trains a LeNet took 0.25 GB; the rest is a margin.
_TRAINING_WORKER_BYTES = WORKER_BYTES + 230 * _MB
# Ray's object store takes this share of the free memory, at most 10 GB of it unless /dev/shm has more, and moves to the
# disk where /dev/shm has less (ray/_private/utils.py, resolve_object_store_memory).
_STORE_SHARE, _STORE_CAP = 0.3, 10 * _GB
# The cache's file, which is 55 MB, and one that replaces it.
_CACHE_BYTES = 110 * _MB
# A run of a hundred trials: training states, TensorBoard's files, tables.
_RUN_BYTES = 500 * _MB


def check_machine() -> Iterator[CheckResult]:
    """Cores, memory, disk, the data cache and GPUs."""
    cores, memory = read_cores(), read_memory()
    yield check_cores(cores)
    yield check_memory(memory, cores)
    yield check_shared_memory(_free(Path("/dev/shm")), memory)
    yield _check_cache_folder()
    yield check_disk(Path.cwd(), _free(Path.cwd()))
    present = shutil.which("nvidia-smi") is not None
    yield check_gpu(list_gpus() if present else None, installed_distributions())


def check_cores(cores: Cores) -> CheckResult:
    """One worker is one core."""
    found = f"{cores.usable:g}"
    if cores.quota < cores.allowed:
        found += f" (a control group limits this process to so many of {cores.allowed})"
    if cores.usable >= 1:
        return CheckResult("cores", "ok", found)
    return CheckResult("cores", "warning", found, "allow at least one core: a worker keeps one busy")


def check_memory(memory: Memory, cores: Cores) -> CheckResult:
    """As much as Ray and one worker need, and better a worker on every core."""
    found = f"{_gigabytes(memory.available)} of {_gigabytes(memory.total)} available"
    workers = max(1, int(cores.usable))
    fitting = (memory.available - _BASE_BYTES) // _TRAINING_WORKER_BYTES
    if fitting >= workers:
        return CheckResult("memory", "ok", found)
    if fitting >= 1:
        return CheckResult(
            "memory", "warning", found, f"run with --workers cpu={fitting}, or free memory for {workers}"
        )
    wanted = _gigabytes(_BASE_BYTES + _TRAINING_WORKER_BYTES)
    return CheckResult("memory", "missing", found, f"free {wanted} for Ray and one worker; --local needs no Ray")


def check_shared_memory(free: int, memory: Memory) -> CheckResult:
    """free: bytes in /dev/shm, where Ray keeps the data that all workers share."""
    wanted = int(min(_STORE_SHARE * memory.available, _STORE_CAP))
    found = f"{_gigabytes(free)} free"
    if free >= wanted:
        return CheckResult("/dev/shm", "ok", found)
    remedy = f"enlarge it, e.g. `docker run --shm-size={ceil(wanted / _GB)}g`: Ray takes the slower disk instead"
    return CheckResult("/dev/shm", "warning", found, remedy)


def check_cache(folder: Path, free: int) -> CheckResult:
    """Looks at the names in the cache's folder; `mxtrials data` checks the content. free: bytes on its disk."""
    what, elsewhere = "data cache", "set XDG_CACHE_HOME to another folder"
    try:
        sizes = [path.stat().st_size for path in folder.glob("mnist-*.arrow")]
        there = _nearest(folder)
        writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    except OSError as err:
        return CheckResult(what, "missing", f"{folder} cannot be read ({err.strerror})", f"allow it, or {elsewhere}")
    if sizes:
        return CheckResult(what, "ok", f"{len(sizes)} in {folder}, {sum(sizes) / _MB:.0f} MB")
    if not writable:
        return CheckResult(what, "missing", f"{folder} cannot be written", f"allow it, or {elsewhere}")
    if free < _CACHE_BYTES:
        return CheckResult(
            what, "missing", f"none yet in {folder}", f"free {_CACHE_BYTES // _MB} MB there, or {elsewhere}"
        )
    return CheckResult(what, "ok", f"none yet in {folder}: the first run builds it")


def check_disk(folder: Path, free: int) -> CheckResult:
    """The disk where `runs/` would be. free: bytes on it."""
    found = f"{_gigabytes(free)} free in {folder}"
    if free >= _RUN_BYTES:
        return CheckResult("disk", "ok", found)
    return CheckResult("disk", "missing", found, f"free {_gigabytes(_RUN_BYTES)} there, or run with --out elsewhere")


def check_gpu(gpus: Sequence[Gpu] | str | None, installed: Sequence[str]) -> CheckResult:
    """A machine without a GPU is fine; a GPU that cannot be used is worth a word.

    Args:
        gpus: those that the driver lists; or why it cannot; None where there is no driver.
        installed: the names of the installed packages that are MXNet.
    """
    if gpus is None:
        return CheckResult("GPU", "ok", "none: CPU workers only")
    if isinstance(gpus, str):
        return CheckResult("GPU", "warning", "CPU workers only", gpus)
    found = ", ".join(f"{gpu.name} ({'.'.join(map(str, gpu.compute_capability))})" for gpu in gpus)
    problem = next(filter(None, map(capability_problem, gpus)), None) or distribution_problem(installed)
    return CheckResult("GPU", "warning", found, problem) if problem else CheckResult("GPU", "ok", found)


def _check_cache_folder() -> CheckResult:
    try:
        from mnist_core.data.cache import default_cache_dir  # imports numpy and pyarrow, which may be what is lacking

        folder = default_cache_dir()
    except ImportError as err:
        return CheckResult(
            "data cache", "missing", f"cannot be looked at ({err})", "install the packages that are lacking"
        )
    except NotWritable as err:
        return CheckResult("data cache", "missing", "no folder", str(err))
    return check_cache(folder, _free(folder))


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(_nearest(folder)).free
    except OSError:
        return 0


def _nearest(folder: Path) -> Path:
    """The folder itself, or the first above it that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _gigabytes(count: float) -> str:
    return f"{count / _GB:.1f} GB"
