"""Checks of cores, memory, disks, the data cache and GPUs, from given numbers."""

from math import inf
from pathlib import Path

import pytest

from cluster.machine.memory import Memory
from cluster.machine.processor import Cores
from jobs.doctor.machine import check_cache, check_cores, check_disk, check_gpu, check_memory, check_shared_memory
from mnist_core.gpu import Gpu

MB, GB = 10**6, 10**9
PLENTY = 100 * GB
FOUR = Cores(4, inf)
A100 = Gpu("NVIDIA A100-SXM4-80GB", "GPU-1", (8, 0))
H200 = Gpu("NVIDIA H200", "GPU-2", (9, 0))


def test_less_than_a_core_is_a_warning() -> None:
    assert check_cores(FOUR).found == "4"
    assert check_cores(Cores(8, 2.5)).found == "2.5 of 8 (limited by a cgroup)"
    assert check_cores(Cores(8, 0.5)).state == "warning"


@pytest.mark.parametrize(
    ("available", "state"), [(16 * GB, "ok"), (2200 * MB, "ok"), (2100 * MB, "warning"), (1 * GB, "missing")]
)
def test_memory_is_compared_with_what_a_worker_on_every_core_needs(available: int, state: str) -> None:
    assert check_memory(Memory(16 * GB, available), FOUR).state == state


def test_little_memory_suggests_how_many_workers_fit() -> None:
    assert "--workers cpu=2" in check_memory(Memory(16 * GB, 1600 * MB), FOUR).remedy


@pytest.mark.parametrize(
    ("free", "available", "state"),
    [(64 * MB, 8 * GB, "warning"), (2400 * MB, 8 * GB, "ok"), (10 * GB, 500 * GB, "ok"), (9 * GB, 500 * GB, "warning")],
)
def test_shared_memory_is_compared_with_rays_object_store(free: int, available: int, state: str) -> None:
    assert check_shared_memory(free, Memory(500 * GB, available)).state == state


def test_small_shared_memory_says_how_large_it_should_be() -> None:
    assert "--shm-size=3g" in check_shared_memory(64 * MB, Memory(8 * GB, 8 * GB)).remedy


def test_built_cache_is_ok_even_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "mnist-0123.arrow").write_bytes(bytes(2 * MB))

    found = check_cache(tmp_path, free=0)

    assert (found.state, found.found) == ("ok", f"1 in {tmp_path}, 2 MB")


def test_cache_that_can_be_built_is_ok(tmp_path: Path) -> None:
    found = check_cache(tmp_path / "not" / "yet", PLENTY)

    assert (found.state, found.found) == ("ok", f"none yet in {tmp_path}/not/yet: the first run builds it")


def test_cache_that_does_not_fit_on_the_disk_is_missing(tmp_path: Path) -> None:
    assert check_cache(tmp_path, free=50 * MB).state == "missing"


def test_cache_with_a_file_in_its_way_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = check_cache(tmp_path / "file" / "mxtrials", PLENTY)

    assert (found.state, found.found) == ("missing", f"{tmp_path}/file/mxtrials cannot be written")


def test_full_disk_is_missing(tmp_path: Path) -> None:
    assert check_disk(tmp_path, PLENTY).state == "ok"
    assert check_disk(tmp_path, 400 * MB).state == "missing"


def test_no_gpu_is_fine() -> None:
    assert check_gpu(None, ["mxnet"]).found == "none: CPU workers only"
    assert check_gpu(None, ["mxnet"]).state == "ok"


def test_gpu_with_a_matching_mxnet_is_ok() -> None:
    found = check_gpu([A100], ["mxnet-cu117"])

    assert (found.state, found.found) == ("ok", "NVIDIA A100-SXM4-80GB (8.0)")


@pytest.mark.parametrize(
    ("gpus", "installed", "remedy"),
    [
        ([A100], ["mxnet"], "pip install mxtrials[gpu]"),
        ([A100, H200], ["mxnet-cu117"], "GPU is NVIDIA H200, compute capability 9.0"),
        ("nvidia-smi did not answer", ["mxnet"], "nvidia-smi did not answer"),
    ],
    ids=["mxnet-for-cpus", "too-new", "driver-broken"],
)
def test_gpu_that_cannot_be_used_is_a_warning(gpus: list[Gpu] | str, installed: list[str], remedy: str) -> None:
    found = check_gpu(gpus, installed)

    assert found.state == "warning"
    assert remedy in found.remedy
