"""Processor and cores, read from files of a plain machine, of containers and of other kernels."""

import os
import platform
from math import inf
from pathlib import Path

import pytest

from cluster.machine.processor import Cores, read_cores, read_processor

ALLOWED = len(os.sched_getaffinity(0))


def machine(root: Path, files: dict[str, str], group: str = "/") -> Path:
    """Creates a root folder with kernel files; names of cgroup files are relative to /sys/fs/cgroup."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(f"1:name=systemd:/\n0::{group}\n")
    for name, content in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_all_cores_are_usable_without_a_limit(tmp_path: Path) -> None:
    assert read_cores(machine(tmp_path, {})) == Cores(ALLOWED, inf)


def test_this_machine_has_a_core() -> None:
    assert read_cores().usable > 0


@pytest.mark.parametrize(
    ("content", "quota"),
    [("max 100000\n", inf), ("50000 100000\n", 0.5), ("300000 100000\n", 3.0), ("", inf), ("what\n", inf)],
)
def test_quota_of_a_cgroup_is_counted_in_cores(content: str, quota: float, tmp_path: Path) -> None:
    cores = read_cores(machine(tmp_path, {"cpu.max": content}))

    assert cores == Cores(ALLOWED, quota)
    assert cores.usable == min(ALLOWED, quota)


def test_smallest_quota_of_nested_cgroups_counts(tmp_path: Path) -> None:
    quotas = {"a/b/cpu.max": "max 100000", "a/cpu.max": "20000 100000", "cpu.max": "90000 100000"}

    assert read_cores(machine(tmp_path, quotas, group="/a/b")).usable == 0.2


def test_quota_of_another_cgroup_does_not_count(tmp_path: Path) -> None:
    assert read_cores(machine(tmp_path, {"other/cpu.max": "10000 100000"}, group="/a/b")).quota == inf


@pytest.mark.parametrize(("granted", "quota"), [("50000\n", 0.5), ("-1\n", inf)])
def test_quota_of_the_first_version_of_control_groups_is_counted_too(
    granted: str, quota: float, tmp_path: Path
) -> None:
    files = {"cpu,cpuacct/a/cpu.cfs_quota_us": granted, "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n"}
    root = machine(tmp_path, files)
    (root / "proc/self/cgroup").write_text("4:cpu,cpuacct:/a\n")
    (root / "sys/fs/cgroup/cpu").symlink_to("cpu,cpuacct")  # as distributions do
    assert read_cores(root).quota == quota


@pytest.mark.parametrize("group", ["/docker/c0ffee", "/../../kubepods/pod1"])
def test_cgroup_named_as_outside_its_container_is_found_at_the_mount(group: str, tmp_path: Path) -> None:
    assert read_cores(machine(tmp_path, {"cpu.max": "20000 100000"}, group=group)).usable == 0.2


@pytest.mark.parametrize(
    ("cores", "processor"),
    [
        (
            "model name\t: Wide\nflags\t\t: fpu avx avx2 avx512f\n\nmodel name\t: Other\nflags\t\t: fpu\n",
            "Wide with avx512f",
        ),
        ("model name\t: Old\nflags\t\t: fpu sse4_1\n", "Old with sse4_1"),
        ("model name\t: Ancient\n", "Ancient"),
        ("processor\t: 0\n", platform.machine()),
    ],
)
def test_processor_has_the_name_and_widest_vectors_of_its_first_core(
    cores: str, processor: str, tmp_path: Path
) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(cores)

    assert read_processor(tmp_path) == processor


def test_processor_without_a_description_is_named_by_its_architecture(tmp_path: Path) -> None:
    assert read_processor(tmp_path) == platform.machine()
