"""Versions of installed packages are read from their metadata."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from cluster.machine.software import installed_version

ROOT = Path(__file__).parents[3]


def test_installed_package_has_its_version() -> None:
    assert installed_version("numpy") == version("numpy")


def test_package_that_is_not_installed_has_no_version() -> None:
    assert installed_version("no-such-package") is None


def test_version_is_read_without_importing_the_package() -> None:
    code = """import sys
from cluster.machine.software import installed_version
print(installed_version("numpy"), 'numpy' in sys.modules)"""

    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert printed.split() == [version("numpy"), "False"]
