"""Hypothesis strategies for IDX files: valid, damaged and absurd ones."""

import gzip
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Array = npt.NDArray[np.uint8]
Packing = Callable[[bytes], bytes]


def plain(content: bytes) -> bytes:
    """Returns the content as it is."""
    return content


def zipped(content: bytes) -> bytes:
    """Compresses the content with gzip."""
    return gzip.compress(content, compresslevel=1, mtime=0)


def idx(sizes: tuple[int, ...], body: bytes, dtype: int = 8, dimensions: int | None = None) -> bytes:
    """Builds an IDX file whose header may contradict its body; `dimensions` replaces the number of sizes."""
    rank = len(sizes) if dimensions is None else dimensions
    return bytes([0, 0, dtype, rank]) + b"".join(size.to_bytes(4, "big") for size in sizes) + body


def idx_of(array: Array) -> bytes:
    """Builds a valid IDX file."""
    return idx(array.shape, array.tobytes())


def first_columns(content: bytes) -> Array:
    """Returns the images of a valid IDX file, or its labels: if it has several columns, the first of them."""
    dtype = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4"}[content[2]]
    sizes = np.frombuffer(content, ">u4", content[3], 4)
    array = np.frombuffer(content, dtype, offset=4 + 4 * content[3]).reshape(sizes)
    return array[:, 0] if array.ndim == 2 else array


IMAGES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(28), st.just(28)))
LABELS = hnp.arrays(np.uint8, st.integers(1, 40), elements=st.integers(0, 9))
PACKINGS = st.sampled_from([plain, zipped])


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with some bytes changed, removed or inserted."""
    for _ in range(draw(st.integers(0, 3))):
        # Most interesting damage is near either end.
        end = draw(st.one_of(st.integers(0, min(24, len(content))), st.integers(0, len(content))))
        position = draw(st.sampled_from([end, len(content) - end]))
        removed = draw(st.one_of(st.integers(0, 2), st.integers(0, len(content))))
        content = content[:position] + draw(st.binary(max_size=4)) + content[position + removed :]
    return content


@st.composite
def idx_like(draw: st.DrawFn) -> bytes:
    """A header of plausible and absurd numbers, with a body that may not match it."""
    size = st.one_of(st.integers(0, 3), st.just(28), st.integers(0, 2**32 - 1))
    sizes = tuple(draw(st.one_of(st.lists(size, max_size=4), st.tuples(st.integers(1, 2), st.sampled_from([1, 8])))))
    dtype = draw(st.sampled_from([8, 8, 8, 9, 11, 12, 13, 0]))
    return idx(sizes, draw(st.one_of(st.binary(max_size=64), st.just(bytes(784)), st.just(bytes(64)))), dtype)


def file_contents() -> st.SearchStrategy[bytes]:
    """Contents of a file that claims to be IDX: valid or damaged, before or after compression, or random bytes."""
    valid = st.one_of(IMAGES.map(idx_of), LABELS.map(idx_of), idx_like())
    packed = st.builds(lambda pack, content: pack(content), PACKINGS, valid.flatmap(damaged))
    return st.one_of(packed, packed.flatmap(damaged), st.binary(max_size=64))
