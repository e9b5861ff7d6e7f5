"""Memory of real processes, two of which have mapped the same file."""

import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.bench.processes import mapped_files, process_tree, proportional_mib, resident_mib

SIZE_MIB = 8
NAME = "shared-pages"
# Maps the file, reads all of it, and keeps it mapped until its input ends.
READER = """
import mmap, sys
with open(sys.argv[1], "rb") as file:
    pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
sum(pages[at] for at in range(0, len(pages), 4096))
print("mapped", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def readers(tmp_path: Path) -> Iterator[list[int]]:
    """The ids of two processes that have both mapped the same file and read it."""
    path = tmp_path / NAME
    path.write_bytes(bytes(SIZE_MIB * 2**20))
    command = [sys.executable, "-c", READER, str(path)]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for reader in started:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "mapped\n"
    yield [reader.pid for reader in started]
    for reader in started:
        reader.communicate()


def test_process_tree_is_a_process_and_its_descendants(readers: list[int]) -> None:
    found = process_tree(os.getpid())

    assert found[0] == os.getpid()
    assert set(readers) < set(found)
    assert os.getppid() not in found


def test_page_mapped_by_two_processes_counts_half_as_proportional_and_full_as_resident(readers: list[int]) -> None:
    assert sum(proportional_mib(pid, NAME) for pid in readers) == pytest.approx(SIZE_MIB, rel=0.01)
    assert [resident_mib(pid, NAME) for pid in readers] == [SIZE_MIB, SIZE_MIB]
    assert len(mapped_files(readers[0], NAME) | mapped_files(readers[1], NAME)) == 1


def test_process_has_more_memory_than_one_of_its_mappings() -> None:
    with mmap.mmap(-1, mmap.PAGESIZE):
        assert 0 < proportional_mib(os.getpid(), "libc") < proportional_mib(os.getpid()) <= resident_mib(os.getpid())


def test_process_that_has_ended_has_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    assert (proportional_mib(ended.pid), mapped_files(ended.pid, NAME)) == (0, set())
