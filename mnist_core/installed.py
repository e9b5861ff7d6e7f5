"""Makes a process import mxtrials and its libraries from where they are installed, whatever lies in the user's folders.

`python -m` and Ray put the working folder first on `sys.path`, where a user's own `cluster.py` or `mxnet.py` would win;
a folder of PYTHONPATH may have a package `jobs`. Imports the standard library only: Ray workers receive this module by
value, before they import anything of mxtrials.
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
    """Returns the folders that Python and Ray put first on `sys.path`: the working folder and the program's."""
    try:
        working = [os.getcwd()]
    except OSError:  # it has been deleted
        working = []
    return [*working, os.path.dirname(os.path.realpath(sys.argv[0]))]


def prefer_installed(root: str, folders: Iterable[str], packages: Sequence[str] = PACKAGES) -> None:
    """Lets the packages in `root` win over others of their names, and all libraries over modules in `folders`."""
    sys.meta_path.insert(0, InstalledPackages(root, packages))
    for folder in folders:
        if folder in sys.path:
            sys.path.remove(folder)  # the first one: PYTHONPATH may name it on purpose
        sys.path.append(folder)


def main() -> Any:
    """Runs the command line: the program `mxtrials`, which a package `jobs` of PYTHONPATH must not hide."""
    prefer_installed(root_folder(), [folder for folder in user_folders() if folder in sys.path])
    return import_module("jobs.cli").main()
