"""The doctor's checks of what is installed. Imports none of it: a separate process tries to import MXNet."""

import ctypes
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cluster.machine.software import installed_version
from jobs.doctor.check import CheckResult
from mnist_core.errors import last_line
from mnist_core.gpu import installed_distributions
from mnist_core.system_libraries import DEBIAN_PACKAGES

# As in pyproject.toml: the lowest version, and the first that is too high.
VERSIONS: Mapping[str, tuple[str, str]] = {
    "numpy": ("1.23.5", "2"),
    "pyarrow": ("17", "26"),
    "ray": ("2.59", "3"),
    "optuna": ("5", "6"),
    "tensorboard": ("2.18", "3"),
    "tensorboardX": ("2.6.2", "3"),
}

_PROJECT = Path(__file__).parents[2]
_IMPORT = "from mnist_core.context import mx; print(mx.__version__)"
_IMPORT_TIMEOUT_S = 120.0


def check_software() -> Iterator[CheckResult]:
    """Checks Python, system libraries, MXNet, the other packages, and optional programs."""
    yield check_python(sys.version_info[:3])
    for library, package in DEBIAN_PACKAGES.items():
        yield check_library(library, package, can_be_loaded(library))
    installed = installed_distributions()
    yield check_mxnet(installed)
    if len(installed) == 1:
        yield check_mxnet_import(installed[0], [sys.executable, "-c", _IMPORT])
    for name, (lowest, beyond) in VERSIONS.items():
        yield check_package(name, installed_version(name), lowest, beyond)
    yield check_dot(shutil.which("dot"))


def check_python(version: Sequence[int]) -> CheckResult:
    """Checks that MXNet runs on this Python version. version: (major, minor, micro)."""
    found = ".".join(map(str, version))
    if (3, 10) <= tuple(version[:2]) < (3, 12):
        return CheckResult("Python", "ok", found)
    return CheckResult("Python", "missing", found, "install Python 3.11: MXNet 1.9.1 runs on 3.10 and 3.11")


def can_be_loaded(library: str) -> bool:
    """Returns whether the loader finds a system library, in its own folders or next to MXNet's libraries."""
    spec = importlib.util.find_spec("mxnet")
    folders = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
    for path in (library, *(str(Path(folder) / library) for folder in folders)):
        try:
            ctypes.CDLL(path)
        except OSError:
            continue
        return True
    return False


def check_library(library: str, package: str, loads: bool) -> CheckResult:
    """Checks a system library that MXNet needs. package: the Debian package that contains it."""
    if loads:
        return CheckResult(library, "ok", "can be loaded")
    return CheckResult(library, "missing", "cannot be loaded", f"`apt-get install {package}`: MXNet needs it")


def check_mxnet(installed: Sequence[str]) -> CheckResult:
    """Checks that MXNet is installed once and in the right version. installed: the packages that contain MXNet."""
    match list(installed):
        case [name]:
            version = installed_version(name) or "(unknown version)"
            if version == "1.9.1":
                return CheckResult("MXNet", "ok", f"{name} {version}")
            return CheckResult("MXNet", "missing", f"{name} {version}", f"`pip install {name}==1.9.1`")
        case []:
            return CheckResult(
                "MXNet", "missing", "not installed", "`pip install mxtrials[cpu]` (or mxtrials[gpu], never both)"
            )
        case names:
            remedy = f"`pip uninstall {' '.join(names)}`, then install only one: they overwrite each other's files"
            return CheckResult("MXNet", "missing", " and ".join(names), remedy)


def check_mxnet_import(name: str, command: Sequence[str], timeout_s: float = _IMPORT_TIMEOUT_S) -> CheckResult:
    """Tries to import MXNet in a separate process, which a broken library may crash.

    Args:
        name: the installed package.
        command: imports MXNet as mxtrials does and prints its version; it runs in the project's folder.
        timeout_s: how long that may take.
    """
    what = "MXNet's import"
    try:
        tried = subprocess.run(
            command,
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return CheckResult(what, "missing", f"took longer than {timeout_s:g} s", "try again when this machine is idle")
    if tried.returncode == 0:
        return CheckResult(what, "ok", f"{tried.stdout.strip()} can be imported")
    # Without the name of the error's class, with which the last line of a traceback starts.
    message = re.sub(r"^[\w.]+: ", "", last_line(tried.stderr, "no error message"))
    return CheckResult(what, "missing", message, _import_remedy(name, tried.returncode, message))


def _import_remedy(name: str, exit_code: int, message: str) -> str:
    if "libcuda.so.1" in message:
        return f"install the NVIDIA driver; without a GPU, `pip uninstall {name}` and `pip install mxtrials[cpu]`"
    if exit_code < 0:
        return f"signal {-exit_code} killed it: `pip install --force-reinstall {name}`; it needs an x86_64 CPU with AVX"
    return "fix that, then run `mxtrials doctor` again"


def check_package(name: str, version: str | None, lowest: str, beyond: str) -> CheckResult:
    """Checks the version of a package. version: the installed one; None if it is not installed."""
    install = f"`pip install '{name}>={lowest},<{beyond}'`"
    if version is None:
        return CheckResult(name, "missing", "not installed", install)
    if _parsed(lowest) <= _parsed(version) < _parsed(beyond):
        return CheckResult(name, "ok", version)
    return CheckResult(name, "missing", version, install)


def check_dot(path: str | None) -> CheckResult:
    """Checks Graphviz' program, which only MXNet's own drawings of networks need. path: None if it is missing."""
    return CheckResult("dot (optional)", "ok", path or "not installed: only mx.viz.plot_network needs it")


def _parsed(version: str) -> tuple[int, ...]:
    """Returns the numbers of a version, e.g. (2, 59, 0) for 2.59.0rc1."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()
