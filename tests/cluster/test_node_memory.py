"""What files of the system say about memory, as systems of several kinds write them."""

from pathlib import Path

import pytest

from cluster.node_memory import free_share, kernel_kills, wait_for_memory

MEMINFO = "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    folder = tmp_path / "proc"
    folder.mkdir()
    (folder / "meminfo").write_text(MEMINFO)
    (folder / "vmstat").write_text("pgfault 5\noom_kill 3\n")
    return folder


def limits(folder: Path, names: tuple[str, str, str], limit: str) -> Path:
    for name, text in zip(names, (limit, "900", "cache 7\ninactive_file 150\n"), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n")
    return folder


VERSION_2 = ("memory.max", "memory.current", "memory.stat")
VERSION_1 = ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat")


def test_free_is_what_the_node_has_available(proc: Path, tmp_path: Path) -> None:
    assert free_share(proc, tmp_path / "nothing") == 0.4


@pytest.mark.parametrize("names", [VERSION_2, VERSION_1])
def test_free_is_what_the_container_may_still_have(names: tuple[str, str, str], proc: Path, tmp_path: Path) -> None:
    assert free_share(proc, limits(tmp_path / "group", names, "1000")) == 0.25


@pytest.mark.parametrize(("names", "limit"), [(VERSION_2, "max"), (VERSION_1, "9223372036854771712")])
def test_container_without_a_limit_has_what_the_node_has(
    names: tuple[str, str, str], limit: str, proc: Path, tmp_path: Path
) -> None:
    assert free_share(proc, limits(tmp_path / "group", names, limit)) == 0.4


def test_system_that_does_not_tell_is_trusted(tmp_path: Path) -> None:
    assert free_share(tmp_path / "nothing", tmp_path / "nothing") == 1.0
    assert kernel_kills(tmp_path / "nothing") == 0


def test_kills_of_the_kernel_are_counted(proc: Path) -> None:
    assert kernel_kills(proc) == 3
    assert kernel_kills() >= 0


def test_waiting_ends_with_enough_memory_or_with_patience() -> None:
    assert 0 < free_share() < 1
    assert wait_for_memory(share=0.0, patience_s=0.0)
    assert not wait_for_memory(share=1.1, patience_s=0.0)
