"""Packed training states are restored equal, and any damage is detected."""

import hashlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mnist_core.errors import CheckpointError
from mnist_core.model.parameters import Vector, weights_sha256
from mnist_core.training.state import TrainingState, pack, unpack

FLOATS = st.floats(width=32)
PACKED = pack(TrainingState(3, 1.5, np.arange(16, dtype=np.float32), (np.ones(16, np.float32),)))
MAGIC = PACKED[: PACKED.index(b"\n") + 1]


def vectors(count: int) -> st.SearchStrategy[list[Vector]]:
    """Draws lists of `count` float32 vectors of the same length."""
    return st.integers(0, 20).flatmap(
        lambda length: st.lists(arrays(np.float32, length, elements=FLOATS), min_size=count, max_size=count)
    )


@given(epoch=st.integers(0, 10_000), elapsed_s=st.floats(0, 1e9), data=st.data(), count=st.integers(0, 2))
def test_unpacked_state_equals_the_packed_one_to_the_bit(
    epoch: int, elapsed_s: float, data: st.DataObject, count: int
) -> None:
    weights, *optimizer = data.draw(vectors(count + 1))
    state = unpack(pack(TrainingState(epoch, elapsed_s, weights, tuple(optimizer))))
    assert (state.epoch, state.elapsed_s, len(state.optimizer)) == (epoch, elapsed_s, count)
    assert state.weights.tobytes() == weights.tobytes()
    assert [vector.tobytes() for vector in state.optimizer] == [vector.tobytes() for vector in optimizer]


@given(position=st.integers(0, len(PACKED) - 1), flip=st.integers(1, 255))
def test_state_with_any_byte_changed_is_rejected(position: int, flip: int) -> None:
    damaged = bytearray(PACKED)
    damaged[position] ^= flip
    said = (
        "not a training state: it begins with b'" if position < len(MAGIC) else "damaged training state: the checksum"
    )
    with pytest.raises(CheckpointError, match=said):
        unpack(bytes(damaged))


@given(length=st.integers(0, len(PACKED) - 1))
def test_truncated_state_is_rejected(length: int) -> None:
    with pytest.raises(CheckpointError):
        unpack(PACKED[:length])


@given(tail=st.binary(min_size=1, max_size=100))
def test_state_with_trailing_bytes_is_rejected(tail: bytes) -> None:
    with pytest.raises(CheckpointError):
        unpack(PACKED + tail)


@given(content=st.binary(max_size=200))
def test_other_bytes_are_rejected(content: bytes) -> None:
    with pytest.raises(CheckpointError):
        unpack(content)


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY"])
def test_state_with_a_right_checksum_of_wrong_content_is_rejected(body: bytes) -> None:
    with pytest.raises(CheckpointError, match="damaged training state: "):
        unpack(MAGIC + hashlib.sha256(body).digest() + body)


def test_state_with_a_right_checksum_is_rejected_if_it_has_pickled_objects() -> None:
    objects = np.array([None], object)
    buffer = io.BytesIO()
    np.savez(buffer, epoch=np.int64(1), elapsed_s=np.float64(1.0), weights=objects, optimizer=objects)
    body = buffer.getvalue()
    with pytest.raises(CheckpointError, match="allow_pickle=False"):
        unpack(MAGIC + hashlib.sha256(body).digest() + body)


def test_hash_of_weights_depends_on_every_bit() -> None:
    zero, minus_zero = np.zeros(4, np.float32), -np.zeros(4, np.float32)
    assert weights_sha256(zero) == weights_sha256(zero.copy())
    assert weights_sha256(zero) != weights_sha256(minus_zero)
    assert weights_sha256(np.arange(8, dtype=np.float32)[::2]) == weights_sha256(np.array([0, 2, 4, 6], np.float32))
