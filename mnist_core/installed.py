"""Makes a process import mxtrials and its libraries from where they are installed, whatever lies in the user's folders.

`python -m` and Ray put the working folder first on `sys.path`, where a user's own `cluster.py` or `mxnet.py` would win;
folders of PYTHONPATH come next, and may have a package `jobs` or `numpy`. Imports the standard library only: Ray
workers receive this module by value, before they import anything of mxtrials.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

PACKAGES = ("mnist_core", "cluster", "jobs")


class InstalledPackages:
    """A finder, as `sys.meta_path` takes them, of packages in one folder; what is not there is left to others."""

    def __init__(self, root: str, packages: Sequence[str]) -> None:
        """Only stores where the packages are."""
        self.root = root
        self.packages = packages

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        """See importlib.abc.MetaPathFinder, which is not imported because that would import half the library."""
        del path, target
        return PathFinder.find_spec(fullname, [self.root]) if fullname in self.packages else None


def root_folder() -> str:
    """Returns the folder in which the packages are."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def user_folders() -> list[str]:
    """Returns the folders that Python and Ray put first on `sys.path`: the program's, then the working folder."""
    try:
        working = [os.getcwd()]
    except OSError:  # it has been deleted
        working = []
    return [os.path.dirname(os.path.realpath(sys.argv[0])), *working]


def user_folders_here() -> list[str]:
    """Returns those of them that are on this process's `sys.path`, where "" stands for the working folder."""
    return [folder for folder in user_folders() if {folder, ""} & {*sys.path}]


def prefer_installed(root: str, folders: Iterable[str], packages: Sequence[str] = PACKAGES) -> None:
    """Lets the packages in `root` win over others of their names, and installed libraries over the user's modules."""
    sys.meta_path.insert(0, InstalledPackages(root, packages))
    sys.path[:] = installed_first(folders)


def installed_first(folders: Iterable[str]) -> list[str]:
    """Returns `sys.path` with the folders of PYTHONPATH after all that is installed, and `folders` last."""
    last = [folder for folder in python_path() if folder in sys.path] + list(folders)
    return [folder for folder in sys.path if folder and folder not in last] + last


def python_path() -> list[str]:
    """Returns the folders of PYTHONPATH as they are on `sys.path`."""
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [os.path.abspath(folder) for folder in folders if folder]


def main() -> Any:
    """Runs the command line: the program `mxtrials`, which a package `jobs` of PYTHONPATH must not hide."""
    prefer_installed(root_folder(), user_folders_here())
    return import_module("jobs.cli").main()
