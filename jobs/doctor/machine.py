"""The doctor's checks of this machine: cores, memory, disk, the data cache, GPUs."""

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
_SHARED_MEMORY = Path("/dev/shm")
# Ray's own processes and the driver took 0.6 GB; the rest is margin.
_BASE_BYTES = 800 * _MB
# A worker that trains a LeNet took 0.25 GB; the rest is margin.
_TRAINING_WORKER_BYTES = WORKER_BYTES + 230 * _MB
# Ray's object store takes this share of the free memory, at most 10 GB unless /dev/shm has more; it uses the disk if
# /dev/shm has less (ray/_private/utils.py, resolve_object_store_memory).
_STORE_SHARE = 0.3
_STORE_CAP = 10 * _GB
# The cache file, which takes 55 MB, and one that replaces it.
_CACHE_BYTES = 110 * _MB
# A run of a hundred trials: checkpoints, TensorBoard's files, tables.
_RUN_BYTES = 500 * _MB


def check_machine() -> Iterator[CheckResult]:
    """Checks cores, memory, disk, the data cache and GPUs."""
    cores, memory = read_cores(), read_memory()
    yield check_cores(cores)
    yield check_memory(memory, cores)
    yield check_shared_memory(_free(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else 0, memory)
    yield _check_cache_folder()
    yield check_disk(Path.cwd(), _free(Path.cwd()))
    present = shutil.which("nvidia-smi") is not None
    yield check_gpu(list_gpus() if present else None, installed_distributions())


def check_cores(cores: Cores) -> CheckResult:
    """Checks that there is at least one core, because each worker uses one."""
    found = f"{cores.usable:g}"
    if cores.quota < cores.allowed:
        found += f" of {cores.allowed} (limited by a cgroup)"
    if cores.usable >= 1:
        return CheckResult("cores", "ok", found)
    remedy = "grant at least one core (`docker run --cpus=1`, `resources.limits.cpu`): each worker keeps one busy"
    return CheckResult("cores", "warning", found, remedy)


def check_memory(memory: Memory, cores: Cores) -> CheckResult:
    """Checks that there is enough memory for Ray and one worker, preferably for a worker per core."""
    found = f"{_format_gb(memory.available)} of {_format_gb(memory.total)} available"
    workers = max(1, int(cores.usable))
    fitting = (memory.available - _BASE_BYTES) // _TRAINING_WORKER_BYTES
    if fitting >= workers:
        return CheckResult("memory", "ok", found)
    if fitting >= 1:
        remedy = f"use --workers cpu={fitting}, or free memory for {workers} workers"
        return CheckResult("memory", "warning", found, remedy)
    needed = _format_gb(_BASE_BYTES + _TRAINING_WORKER_BYTES)
    return CheckResult("memory", "missing", found, f"free {needed} for Ray and one worker, or use --local without Ray")


def check_shared_memory(free: int, memory: Memory) -> CheckResult:
    """Checks that Ray's object store, which all workers share, fits into /dev/shm. free: bytes there."""
    needed = int(min(_STORE_SHARE * memory.available, _STORE_CAP))
    found = f"{_format_gb(free)} free"
    if free >= needed:
        return CheckResult("/dev/shm", "ok", found)
    remedy = f"enlarge it, e.g. `docker run --shm-size={ceil(needed / _GB)}g`; otherwise Ray uses the slower disk"
    return CheckResult("/dev/shm", "warning", found, remedy)


def check_cache(folder: Path, free: int) -> CheckResult:
    """Checks that the cache exists or can be built; `mxtrials data` checks its content. free: bytes on its disk."""
    what = "data cache"
    elsewhere = "set XDG_CACHE_HOME to another folder"
    try:
        sizes = [path.stat().st_size for path in folder.glob("mnist-*.arrow")]
        nearest = _nearest(folder)
        writable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    except OSError as err:
        found = f"{folder} cannot be read ({err.strerror})"
        return CheckResult(what, "missing", found, f"fix its permissions, or {elsewhere}")
    if sizes:
        return CheckResult(what, "ok", f"{len(sizes)} in {folder}, {sum(sizes) / _MB:.0f} MB")
    if not writable:
        return CheckResult(what, "missing", f"{folder} cannot be written", f"fix its permissions, or {elsewhere}")
    if free < _CACHE_BYTES:
        remedy = f"free {_CACHE_BYTES // _MB} MB there, or {elsewhere}"
        return CheckResult(what, "missing", f"none yet in {folder}", remedy)
    return CheckResult(what, "ok", f"none yet in {folder}: the first run builds it")


def check_disk(folder: Path, free: int) -> CheckResult:
    """Checks that the disk for `runs/` has room for a study. free: bytes on it."""
    found = f"{_format_gb(free)} free in {folder}"
    if free >= _RUN_BYTES:
        return CheckResult("disk", "ok", found)
    remedy = f"free {_format_gb(_RUN_BYTES)} there, or write to another disk (--out)"
    return CheckResult("disk", "missing", found, remedy)


def check_gpu(gpus: Sequence[Gpu] | str | None, installed: Sequence[str]) -> CheckResult:
    """Checks that the GPUs can be used; a machine without a GPU is fine.

    Args:
        gpus: the GPUs that the driver lists, or why it cannot list them; None if there is no driver.
        installed: the names of the installed packages that contain MXNet.
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
        from mnist_core.data.cache import default_cache_dir  # imports numpy and pyarrow, which may be missing

        folder = default_cache_dir()
    except ImportError as err:
        return CheckResult("data cache", "missing", f"cannot be checked ({err})", "install the missing packages")
    except NotWritable as err:
        return CheckResult("data cache", "missing", "no folder", str(err))
    return check_cache(folder, _free(folder))


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(_nearest(folder)).free
    except OSError:
        return 0


def _nearest(folder: Path) -> Path:
    """Returns the folder itself, or its first parent that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _format_gb(count: float) -> str:
    return f"{count / _GB:.1f} GB"
