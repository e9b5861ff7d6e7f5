"""GPUs as they are checked before MXNet is imported, from listings and from programs that replace nvidia-smi."""

import subprocess
import sys
from pathlib import Path

import pytest

from mnist_core.gpu import (
    Gpu,
    capability_problem,
    distribution_problem,
    installed_distributions,
    list_gpus,
    parse_gpus,
    visible_gpus,
)

ROOT = Path(__file__).parents[2]
A100 = Gpu("NVIDIA A100-SXM4-80GB", "GPU-aaaa1111", (8, 0))
H200 = Gpu("NVIDIA H200", "GPU-bbbb2222", (9, 0))
T4 = Gpu("Tesla T4", "GPU-bbcc3333", (7, 5))
ALL = (A100, H200, T4)


def program(folder: Path, script: str) -> str:
    """Writes a program that `list_gpus` can run instead of nvidia-smi."""
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("capability", [(5, 0), (6, 1), (7, 5), (8, 0), (8, 6), (8, 9)])
def test_supported_capability_is_not_a_problem(capability: tuple[int, int]) -> None:
    assert capability_problem(Gpu("a GPU", "GPU-0", capability)) is None


@pytest.mark.parametrize("capability", [(3, 7), (9, 0), (10, 0), (12, 0)])
def test_unsupported_capability_is_named(capability: tuple[int, int]) -> None:
    problem = capability_problem(Gpu("a GPU", "GPU-0", capability))

    assert problem is not None
    assert f"a GPU, compute capability {capability[0]}.{capability[1]}: " in problem


def test_h200_is_rejected_with_the_full_reason() -> None:
    assert capability_problem(H200) == (
        "GPU is NVIDIA H200, compute capability 9.0: mxnet-cu117 1.9.1 contains machine code up to 8.6 and no PTX, "
        "so it runs on 5.0 to 8.9 only"
    )


def test_mxnet_for_gpus_alone_is_not_a_problem() -> None:
    assert distribution_problem(["mxnet-cu117"]) is None


@pytest.mark.parametrize(
    ("installed", "sentence"),
    [
        ([], "MXNet is not installed"),
        (["mxnet"], "mxnet is installed, which is MXNet for CPUs: `pip uninstall mxnet`, then"),
        (["mxnet-cu102"], "mxnet-cu102 is installed, which is MXNet for another CUDA"),
        (["mxnet", "mxnet-cu117"], "mxnet and mxnet-cu117 are installed and overwrite"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_other_packages_are_a_problem_with_a_remedy(installed: list[str], sentence: str) -> None:
    problem = distribution_problem(installed)

    assert problem is not None
    assert sentence in problem


def test_installed_distributions_of_this_environment_are_one_mxnet() -> None:
    assert installed_distributions() in (["mxnet"], ["mxnet-cu117"])


def test_listing_is_parsed_whatever_the_names_contain() -> None:
    listing = "8.0, GPU-aaaa1111, NVIDIA A100-SXM4-80GB\n 9.0,GPU-bbbb2222,NVIDIA H200\n7.5, GPU-1, One, Two\n"

    assert parse_gpus(listing) == (A100, H200, Gpu("One, Two", "GPU-1", (7, 5)))


@pytest.mark.parametrize("line", ["", "No devices were found", "[N/A], GPU-1, Tesla K80", "8.0", "8., GPU-1, a GPU"])
def test_line_without_a_gpu_is_skipped(line: str) -> None:
    assert parse_gpus(line) == ()


@pytest.mark.parametrize(
    ("visible", "selected"),
    [
        (None, ALL),
        ("", ()),
        ("-1", ()),
        ("1", (H200,)),
        ("2,0", (T4, A100)),
        ("0,7,1", (A100,)),
        ("GPU-bbc", (T4,)),
        ("GPU-aaaa1111, GPU-bbbb2222", (A100, H200)),
        ("MIG-8c4f", ALL),
        ("NoDevFiles", ()),
    ],
)
def test_visible_gpus_are_those_that_the_variable_selects(visible: str | None, selected: tuple[Gpu, ...]) -> None:
    assert visible_gpus(ALL, visible) == selected


def test_gpus_are_those_that_the_driver_lists(tmp_path: Path) -> None:
    answer = program(tmp_path, "echo '8.0, GPU-aaaa1111, NVIDIA A100-SXM4-80GB'")

    assert list_gpus(answer) == (A100,)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo; echo 'Failed to initialize NVML' >&2; exit 9", "exit code 9 and said 'Failed to initialize NVML'"),
        ("exit 6", "exit code 6 and said 'nothing'"),
        ("echo 'No devices were found'", "lists no GPU"),
        ("exec sleep 60", "did not answer within 0.2 s"),
    ],
    ids=["fails", "fails-silently", "finds-none", "hangs"],
)
def test_driver_that_fails_gives_a_reason(script: str, sentence: str, tmp_path: Path) -> None:
    reason = list_gpus(program(tmp_path, script), timeout_s=0.2 if "sleep" in script else 30)

    assert isinstance(reason, str)
    assert sentence in reason


def test_missing_driver_gives_a_reason(tmp_path: Path) -> None:
    reason = list_gpus(str(tmp_path / "nvidia-smi"))

    assert isinstance(reason, str)
    assert "cannot be run (No such file or directory)" in reason


@pytest.mark.skipif(installed_distributions() != ["mxnet"], reason="needs MXNet for CPUs")
def test_gpu_context_is_rejected_before_mxnet_is_imported() -> None:
    code = """
import sys
from mnist_core.context import open_context
from mnist_core.errors import DeviceUnavailable
try:
    open_context("gpu")
except DeviceUnavailable as err:
    print("mxnet" in sys.modules, err)
open_context("cpu")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.startswith("False mxnet is installed, which is MXNet for CPUs")
