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
from tests.support.command_line import ROOT, CommandLine, assert_one_line_error
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
        assert isinstance(found, int) or (found.startswith(str(folder)) and ": " in found and "\n" not in found), found
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


@fault(
    "Data, specs and settings",
    "a data file is something else: a web page, an archive, a Git LFS pointer, arrays of floats, one-hot labels, ...",
    seen="one-line error that says what it is and what to do, exit code 2; no run directory",
    cost="nothing",
)
@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("train-images-idx3-ubyte", b"<!DOCTYPE html><html>", "found a web page (HTML), expected"),
        ("train-labels-idx1-ubyte", b"version https://git-lfs.github.com/spec/v1", "fetch it with `git lfs pull`"),
        ("t10k-images-idx3-ubyte", zipped(zipped(idx((2, 28, 28), bytes(1568)))), "found gzip inside gzip, expected"),
        ("t10k-images-idx3-ubyte", idx((2, 28, 28), bytes(6272), 0x0D), "data type 0x0d (float32)"),
        ("t10k-labels-idx1-ubyte", idx((2, 10), bytes(20)), "labels.argmax(axis=1)"),
    ],
    ids=["web page", "Git LFS pointer", "gzip twice", "floats", "one-hot"],
)
def test_file_of_another_format_is_named(
    name: str, content: bytes, says: str, mxtrials: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "idx").mkdir()
    folder = write(tmp_path / "idx", {name: content})
    for command in (("data", "--source", folder), ("run", "smoke", "--local", "--set", f"data.source={folder}")):
        assert_one_line_error(mxtrials(*command), 2, f"{folder / name}: byte ", says)
    assert not (tmp_path / "runs").exists()


@fault(
    "Data, specs and settings",
    "the pixels of one's own images are 0 or 1, or otherwise not in MNIST's range of 0 to 255",
    seen="`data` and `run` warn, with the largest pixel and a factor",
    cost="nothing: the images are used as they are",
)
def test_pixels_of_another_range_are_warned_of(mxtrials: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "idx").mkdir()
    folder = write(tmp_path / "idx", {"train-images-idx3-ubyte": idx((3, 28, 28), bytes([0, 1] * 1176))})
    warning = "warning: the largest pixel of the training images is 1, but MNIST's is 255"
    shown = mxtrials("data", "--source", folder)
    assert (shown.returncode, shown.stdout.count(warning)) == (0, 1)
    fields = (f"data.source={folder}", "data.holdout=1")
    done = mxtrials("run", "smoke", "--local", *(option for field in fields for option in ("--set", field)))
    assert (done.returncode, done.stdout.count(warning)) == (0, 1), done.stderr
