"""Free memory and OOM kills, read from kernel files of several kinds of systems and in real small cgroups."""

import math
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.machine.memory import (
    Memory,
    free_bytes,
    free_share,
    oom_counter_file,
    oom_kill_count,
    read_memory,
    wait_for_memory,
)
from tests.support.small_group import running_in, small_group

MEMINFO = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\nHugePages_Total:       0\n"
NODE = Memory(1000 * 1024, 400 * 1024)
# /proc/self/cgroup on systems with cgroups of version 2, of version 1 and of both.
VERSION_2 = "0::{0}\n"
VERSION_1 = "12:cpu,cpuacct:/\n4:memory:{0}\n1:name=systemd:/user.slice\n"
BOTH = VERSION_1 + "0::/\n"

Node = Callable[..., Path]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Creates a root folder with kernel files; names of cgroup files are relative to /sys/fs/cgroup."""

    def make(groups: str, files: dict[str, str] | None = None) -> Path:
        proc = {"meminfo": MEMINFO, "vmstat": "pgfault 5\noom_kill 3\n", "self/cgroup": groups, "self/statm": "1 1\n"}
        named = {f"proc/{name}": text for name, text in proc.items()}
        for name, text in (named | {f"sys/fs/cgroup/{name}": text for name, text in (files or {}).items()}).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return make


def version_2(folder: str, limit: str, used: str, cached: int = 0) -> dict[str, str]:
    statistics = f"anon 7\ninactive_file {cached}\nactive_file 9\n"
    return {f"{folder}memory.max": limit, f"{folder}memory.current": used, f"{folder}memory.stat": statistics}


def version_1(folder: str, limit: str, used: str, cached: int = 0) -> dict[str, str]:
    folder = f"memory/{folder}"
    return {
        f"{folder}memory.limit_in_bytes": limit,
        f"{folder}memory.usage_in_bytes": used,
        f"{folder}memory.stat": f"inactive_file 1\ntotal_inactive_file {cached}\n",
    }


VERSIONS = pytest.mark.parametrize(
    ("groups", "files"), [(VERSION_2, version_2), (VERSION_1, version_1), (BOTH, version_1)]
)


def test_memory_without_a_limit_is_that_of_the_node(node: Node) -> None:
    root = node(VERSION_2.format("/"))
    assert (read_memory(root), free_share(root), free_bytes(root)) == (NODE, 0.4, NODE.available)


@VERSIONS
@pytest.mark.parametrize(
    ("group", "folder"),
    [("/", ""), ("/a.slice/b.scope", "a.slice/b.scope/"), ("/a.slice/b.scope", "a.slice/"), ("/a.slice/b.scope", "")],
)
def test_memory_is_what_an_enclosing_cgroup_leaves(
    group: str, folder: str, groups: str, files: Callable[..., dict[str, str]], node: Node
) -> None:
    root = node(groups.format(group), files(folder, "1000\n", "900\n", cached=150))
    assert (read_memory(root), free_share(root), free_bytes(root)) == (Memory(1000, 250), 0.25, 250)


@VERSIONS
def test_tightest_of_nested_cgroups_counts(groups: str, files: Callable[..., dict[str, str]], node: Node) -> None:
    nested = files("a/b/c/", "4000", "1000") | files("a/b/", "3000", "2900") | files("a/", "9000", "5000")
    root = node(groups.format("/a/b/c"), nested)
    assert read_memory(root) == Memory(3000, 100)
    assert (free_share(root), free_bytes(root)) == (100 / 3000, 100)


@VERSIONS
def test_other_cgroups_do_not_count(groups: str, files: Callable[..., dict[str, str]], node: Node) -> None:
    assert read_memory(node(groups.format("/a/b"), files("a/other/", "1000", "900"))) == NODE


@VERSIONS
@pytest.mark.parametrize("group", ["/docker/c0ffee", "/../../kubepods/pod1"])
def test_cgroup_named_as_outside_its_container_is_found_at_the_mount(
    group: str, groups: str, files: Callable[..., dict[str, str]], node: Node
) -> None:
    assert free_bytes(node(groups.format(group), files("", "1000", "900"))) == 100


@pytest.mark.parametrize(
    ("groups", "files"),
    [(VERSION_2, version_2("", "max\n", "900\n")), (VERSION_1, version_1("", "9223372036854771712\n", "900\n"))],
)
def test_cgroup_without_a_limit_leaves_the_memory_of_the_node(groups: str, files: dict[str, str], node: Node) -> None:
    assert read_memory(node(groups.format("/"), files)) == NODE


def test_cgroup_beyond_its_limit_has_no_free_memory(node: Node) -> None:
    root = node(VERSION_2.format("/"), version_2("", "1000", "2000"))
    assert (read_memory(root), free_share(root), free_bytes(root)) == (Memory(1000, 0), 0.0, 0)


def test_unknown_memory_counts_as_free(tmp_path: Path) -> None:
    assert (free_share(tmp_path), free_bytes(tmp_path)) == (1.0, math.inf)
    assert wait_for_memory(patience_s=0.0, root=tmp_path)
    assert oom_kill_count(oom_counter_file(tmp_path)) == 0


def test_this_machine_has_some_memory() -> None:
    assert 0 < read_memory().available <= read_memory().total
    assert 0 < free_share() < 1
    assert 0 < free_bytes() < math.inf


def test_address_space_limit_counts(node: Node, tmp_path: Path) -> None:
    root = node(VERSION_2.format("/"))
    before = resource.getrlimit(resource.RLIMIT_AS)
    whole_pages = 2**44 // resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (2**44, before[1]))
    try:
        assert free_bytes(root) == NODE.available
        (root / "proc/self/statm").write_text(f"{whole_pages - 2} 1\n")
        assert free_bytes(root) == 2 * resource.getpagesize()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize(
    ("groups", "counted", "text", "kills"),
    [
        (VERSION_2, "a/b/memory.events", "low 0\noom 9\noom_kill 7\n", 7),
        (VERSION_2, "a/memory.events", "oom 0\noom_kill 6\n", 6),  # the inner cgroup has no memory controller
        (VERSION_1, "memory/a/b/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n", 5),
        (BOTH, "memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n", 4),  # in a container
        (VERSION_1, "memory/a/b/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", 3),  # before Linux 4.13
        (VERSION_2, "other/memory.events", "oom_kill 8\n", 3),
    ],
)
def test_oom_kills_are_read_from_the_nearest_cgroup_or_else_from_the_node(
    groups: str, counted: str, text: str, kills: int, node: Node
) -> None:
    assert oom_kill_count(oom_counter_file(node(groups.format("/a/b"), {counted: text}))) == kills


def test_missing_counter_reads_as_zero(tmp_path: Path) -> None:
    assert oom_kill_count(tmp_path / "gone") == 0


def test_waiting_ends_when_memory_is_free_or_time_is_up(node: Node) -> None:
    root = node(VERSION_2.format("/job"), version_2("job/", "1000", "900"))
    assert not wait_for_memory(patience_s=0.0, root=root)
    (root / "sys/fs/cgroup/job/memory.current").write_text("850")
    assert wait_for_memory(patience_s=0.0, root=root)


ALLOCATES = """
allocated = [bytes([1]) * 2**20 for _ in range({mib})]
print("has allocated", flush=True)
sys.stdin.read()
"""
WAITS = """
from cluster.machine.memory import free_share, wait_for_memory
print(wait_for_memory(0.0, share=0.5), flush=True)
print(wait_for_memory(60.0, share=0.5), free_share() >= 0.5, flush=True)
"""
COUNTS = """
from cluster.machine.memory import oom_counter_file
print(oom_counter_file(), flush=True)
"""


def test_process_in_a_small_cgroup_waits_until_another_one_frees_memory() -> None:
    with small_group(128 * 2**20) as group, running_in(group, ALLOCATES.format(mib=80)) as allocator:
        assert allocator.read_line() == "has allocated"
        with running_in(group, WAITS) as waiter:
            assert waiter.read_line() == "False"
            allocator.end()
            assert waiter.read_line() == "True True"


def test_kernel_counts_a_kill_only_in_the_cgroup_of_the_killed_process() -> None:
    on_node = oom_kill_count(Path("/proc/vmstat"))
    with (
        small_group(64 * 2**20) as group,
        small_group(64 * 2**20) as other,
        running_in(group, COUNTS + ALLOCATES.format(mib=128)) as killed,
        running_in(other, COUNTS + ALLOCATES.format(mib=1)) as bystander,
    ):
        counter = Path(killed.read_line())
        bystanders = Path(bystander.read_line())
        assert (counter.parent, bystanders.parent) == (group, other)
        assert killed.process.wait() == -signal.SIGKILL
        assert (oom_kill_count(counter), oom_kill_count(bystanders)) == (1, 0)
        assert oom_kill_count(Path("/proc/vmstat")) > on_node
