"""Hostile IDX files: rejected with a one-line error, in no more memory, by the kernel's count, than they explain."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.faults.kit.matrix import fault
from tests.support.command_line import ROOT
from tests.support.idx_files import file_contents, idx, zipped

MIB = 2**20
MAX_ADDRESSES = 256 * MIB
# On top of what a file explains: temporary memory of Python, Arrow and the cache file.
OVERHEAD_BYTES = 24 * MIB

READER = f"""
import json, os, resource, sys
from pathlib import Path
from mnist_core.data.cache import open_dataset
from mnist_core.errors import DataError

def peak_bytes():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def open_folder(folder):
    try:
        return len(open_dataset(folder, cache_dir=Path(folder, "cache")).train)
    except DataError as err:
        return str(err)

open_folder(sys.argv[1])
print(json.dumps(peak_bytes()), flush=True)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {MAX_ADDRESSES},) * 2)
for line in sys.stdin:
    print(json.dumps([open_folder(line.strip()), peak_bytes()]), flush=True)
"""


@dataclass
class Reader:
    """A process that opens one folder of IDX files after another.

    Attributes:
        process: gets a folder per line, answers with JSON.
        before_bytes: its peak memory before the first of them.
    """

    process: "subprocess.Popen[str]"
    before_bytes: int

    def open(self, folder: Path) -> tuple[int | str, int]:
        """The number of training images or the error message, and the process's peak memory in bytes."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(folder, file=self.process.stdin, flush=True)
        found, peak_bytes = json.loads(self.process.stdout.readline())
        return found, peak_bytes


@pytest.fixture(scope="module")
def reader(small_idx_folder: Path, environment: dict[str, str]) -> Iterator[Reader]:
    # Arrow's default memory pool would reserve a GiB of addresses.
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(small_idx_folder)],
        cwd=ROOT,
        env={**environment, "ARROW_DEFAULT_MEMORY_POOL": "system"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield Reader(process, json.loads(process.stdout.readline()))
        process.kill()


@pytest.fixture(scope="module")
def folder(small_idx_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with four small valid files, some of which a test replaces."""
    return write(tmp_path_factory.mktemp("idx"), {})


def write(folder: Path, contents: dict[str, bytes]) -> Path:
    """Writes four small valid files, or the given contents instead."""
    valid = {
        "train-images-idx3-ubyte": idx((3, 28, 28), bytes(3 * 784)),
        "train-labels-idx1-ubyte": idx((3,), bytes(3)),
        "t10k-images-idx3-ubyte": idx((2, 28, 28), bytes(2 * 784)),
        "t10k-labels-idx1-ubyte": idx((2,), bytes(2)),
    }
    for name, content in {**valid, **contents}.items():
        (folder / name).write_bytes(content)
    return folder


@fault(
    "Data, specs and settings",
    "hostile IDX files: absurd headers, damage, compressed or not (fuzzed)",
    seen="one-line error with file, byte and what was expected, exit code 2; no more memory than the file justifies",
    cost="nothing",
)
@example(contents={"train-labels-idx1-ubyte": idx((2**32 - 1,), bytes(3))})
@example(contents={"train-images-idx3-ubyte": idx((2**32 - 1, 28, 28), bytes(784))})
@example(contents={"train-images-idx3-ubyte": zipped(idx((2**32 - 1, 28, 28), bytes(784)))})
@given(
    contents=st.dictionaries(
        st.sampled_from(["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"]),
        file_contents(),
        max_size=2,
    )
)
def test_any_folder_is_read_or_rejected_in_bounded_memory(
    contents: dict[str, bytes], reader: Reader, folder: Path
) -> None:
    found, peak_bytes = reader.open(write(folder, contents))
    if contents:
        assert isinstance(found, int) or found.endswith(("file", "belong together", "or use `bundled`")), found
    else:
        assert found == 3
    assert peak_bytes <= reader.before_bytes + OVERHEAD_BYTES


@fault(
    "Data, specs and settings",
    "a small compressed IDX file that expands to a hundred times its size",
    seen="it is read, or rejected if it holds more than its header says; uses at most three times its expanded size",
    cost="nothing",
)
@pytest.mark.parametrize("claimed", [3, 40_000])
def test_decompression_bomb_uses_bounded_memory(claimed: int, reader: Reader, folder: Path) -> None:
    expanded = bytes(40_000 * 784)
    images = gzip.compress(idx((claimed, 28, 28), expanded), compresslevel=6)
    assert len(images) < len(expanded) / 100
    labels = idx((claimed,), bytes(claimed))
    found, peak_bytes = reader.open(
        write(folder, {"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels})
    )
    allowed = OVERHEAD_BYTES
    if claimed == 3:
        assert "found more bytes" in str(found)
    else:
        assert found == claimed
        allowed += 3 * len(expanded)
    assert peak_bytes <= reader.before_bytes + allowed
