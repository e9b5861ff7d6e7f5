"""The import of MXNet, in a new process each time: environment, silence, one device, and what is missing."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from mnist_core.gpu import installed_distributions

ROOT = Path(__file__).parents[2]


def python(program: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in an environment without settings of MXNet."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MXNET_", "OMP_"))}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        [sys.executable, *options, "-c", program], env=environment, capture_output=True, text=True, check=False
    )


def test_mxnet_is_not_imported_before_it_is_used() -> None:
    done = python("import sys, mnist_core.context; print('mxnet' in sys.modules)")
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("way", ["from mnist_core.context import mx", "import mnist_core.context as c; mx = c.mx"])
def test_cpu_process_runs_the_naive_engine_on_one_thread_and_prints_nothing(way: str) -> None:
    done = python(
        f"{way}\n"
        "print(mx.util.getenv('MXNET_ENGINE_TYPE'), mx.util.getenv('OMP_NUM_THREADS'))\n"
        "print(float(mx.nd.ones((2, 2)).sum().asscalar()))"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "NaiveEngine 1\n4.0\n", "")


def test_opened_cpu_context_is_the_first_cpu() -> None:
    done = python("from mnist_core.context import open_context; print(open_context('cpu'))")
    assert (done.stdout, done.stderr) == ("cpu(0)\n", "")


def test_stderr_works_after_the_import() -> None:
    done = python("import os, sys; from mnist_core.context import mx; os.write(2, b'one '); sys.stderr.write('two')")
    assert done.stderr == "one two"


def test_scipy_is_not_imported_with_mxnet() -> None:
    done = python("import sys; from mnist_core.context import mx; print('scipy' in sys.modules)")
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_version_of_mxnet_is_the_one_that_the_module_was_written_for() -> None:
    assert version(installed_distributions()[0]) == "1.9.1", (
        "look again at mnist_core/context.py: the environment, numpy.bool, the hidden scipy, the greeting, the fusion"
    )


def test_device_cannot_change_after_mxnet_is_imported() -> None:
    done = python(
        "from mnist_core.context import mx, use_device\n"
        "from mnist_core.errors import DeviceUnavailable\n"
        "use_device('cpu')\n"
        "try:\n    use_device('gpu')\nexcept DeviceUnavailable as err:\n    print(err)"
    )
    assert done.stdout.startswith("this process imported MXNet for a cpu context and cannot own a gpu context")


@pytest.mark.parametrize("use", ["open_context('cpu')", "mx"])
def test_error_without_mxnet_says_how_to_install_it(use: str) -> None:
    program = (
        "import mnist_core.context as context\n"
        "from mnist_core.errors import MissingLibrary\n"
        f"try:\n    context.{use}\nexcept MissingLibrary as err:\n    print(err)"
    )
    done = python(program, "-S")  # no site-packages
    assert done.stdout == "MXNet is not installed: `pip install mxtrials[cpu]` (or mxtrials[gpu], never both)\n"


def test_unknown_name_of_the_context_module_is_an_attribute_error() -> None:
    done = python("import mnist_core.context as c; print(hasattr(c, 'nd'))")
    assert done.stdout == "False\n"
