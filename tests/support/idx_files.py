"""IDX files as hypothesis draws them: sound, damaged, and absurd."""

import gzip
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Array = npt.NDArray[np.uint8]
Packing = Callable[[bytes], bytes]


def plain(content: bytes) -> bytes:
    return content


def zipped(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=1, mtime=0)


def idx(sizes: tuple[int, ...], body: bytes, dtype: int = 8, dimensions: int | None = None) -> bytes:
    """An IDX file that may contradict itself."""
    rank = len(sizes) if dimensions is None else dimensions
    return bytes([0, 0, dtype, rank]) + b"".join(size.to_bytes(4, "big") for size in sizes) + body


def idx_of(array: Array) -> bytes:
    return idx(array.shape, array.tobytes())


IMAGES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(28), st.just(28)))
LABELS = hnp.arrays(np.uint8, st.integers(1, 40), elements=st.integers(0, 9))
PACKINGS = st.sampled_from([plain, zipped])


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with some bytes changed, cut out or put in."""
    for _ in range(draw(st.integers(0, 3))):
        # Most of what can go wrong is at either end.
        end = draw(st.one_of(st.integers(0, min(24, len(content))), st.integers(0, len(content))))
        position = draw(st.sampled_from([end, len(content) - end]))
        removed = draw(st.one_of(st.integers(0, 2), st.integers(0, len(content))))
        content = content[:position] + draw(st.binary(max_size=4)) + content[position + removed :]
    return content


@st.composite
def idx_like(draw: st.DrawFn) -> bytes:
    """A header of plausible and absurd numbers, with a body that may not match it."""
    size = st.one_of(st.integers(0, 3), st.just(28), st.integers(0, 2**32 - 1))
    sizes = tuple(draw(st.lists(size, max_size=4)))
    dtype = draw(st.sampled_from([8, 8, 8, 9, 13, 0]))
    return idx(sizes, draw(st.one_of(st.binary(max_size=64), st.just(bytes(784)))), dtype)


def file_contents() -> st.SearchStrategy[bytes]:
    sound = st.one_of(IMAGES.map(idx_of), LABELS.map(idx_of), idx_like())
    packed = st.builds(lambda pack, content: pack(content), PACKINGS, sound.flatmap(damaged))
    return st.one_of(packed, packed.flatmap(damaged), st.binary(max_size=64))
