"""Describes the machine that figures were measured on, without which they mean nothing."""

import os
import platform
from dataclasses import asdict, dataclass
from typing import Any

from cluster.machine.memory import read_memory
from cluster.machine.processor import read_cores, read_processor
from cluster.machine.software import installed_version

_PACKAGES = ("mxtrials", "mxnet", "numpy", "ray", "optuna", "torch", "pandas")


@dataclass(frozen=True)
class Host:
    """A machine. load: the 1-minute load average before anything was measured."""

    cpu: str
    cores: float
    memory_gib: float
    load: float
    kernel: str
    python: str
    packages: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Returns the host for `--json`."""
        return asdict(self)

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        return (
            f"{self.cpu}, {self.cores:g} cores, {self.memory_gib:.0f} GiB, load {self.load:.1f}, {self.kernel}; "
            f"Python {self.python}, {versions}"
        )


def this_host() -> Host:
    """Describes this machine, as far as this process may use it, and the installed packages."""
    return Host(
        cpu=read_processor(),
        cores=read_cores().usable,
        memory_gib=read_memory().total / 2**30,
        load=os.getloadavg()[0],
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages={name: number for name in _PACKAGES if (number := installed_version(name))},
    )
