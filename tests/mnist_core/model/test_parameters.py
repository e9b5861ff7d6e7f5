"""The flat vector of parameters: where each is, and how it is drawn, compared with MXNet's initializers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.config import Initializer, LenetConfig, MlpConfig, MultitaskConfig
from mnist_core.context import mx
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import ALIGNMENT_BYTES, Layout, Vector, initial_weights

SHAPES = st.dictionaries(
    st.from_regex(r"[a-z]{1,4}_(weight|bias)", fullmatch=True),
    st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple),
    min_size=1,
    max_size=8,
)


def numbered(layout: Layout) -> dict[str, Vector]:
    """Fills each parameter with a different number."""
    return {
        name: np.full(shape, number, np.float32) for number, (name, shape) in enumerate(layout.shapes.items(), start=1)
    }


@given(SHAPES)
def test_parameters_are_aligned_and_disjoint_with_those_that_decay_first(shapes: dict[str, tuple[int, ...]]) -> None:
    layout = Layout.of(shapes)
    taken = np.zeros(layout.size, np.int64)
    for name in shapes:
        assert layout.offsets[name] * 4 % ALIGNMENT_BYTES == 0
        assert (layout.offsets[name] < layout.decayed) == name.endswith("_weight")
        layout.view(taken, name)[...] += 1
    assert taken.max() == 1


@given(SHAPES)
def test_unpacked_parameters_equal_the_packed_ones_and_padding_is_zero(shapes: dict[str, tuple[int, ...]]) -> None:
    layout = Layout.of(shapes)
    parameters = numbered(layout)
    vector = layout.pack(parameters)
    for name, unpacked in layout.unpack(vector).items():
        np.testing.assert_array_equal(unpacked, parameters[name])
    assert np.count_nonzero(vector) == sum(array.size for array in parameters.values())


def test_view_writes_through_to_the_vector() -> None:
    layout = Layout.of({"a_weight": (2, 3), "a_bias": (2,)})
    vector = np.zeros(layout.size, np.float32)
    layout.view(vector, "a_bias")[...] = 1
    assert vector.sum() == 2


@pytest.mark.parametrize("initializer", ["uniform", "normal", "xavier"])
@pytest.mark.parametrize("model", [MlpConfig(), LenetConfig(), MultitaskConfig()], ids=lambda model: model.kind)
def test_weights_are_drawn_as_mxnets_initializer_draws_them(
    model: MlpConfig | LenetConfig | MultitaskConfig, initializer: Initializer
) -> None:
    layout = Layout.of(build_network(model).parameter_shapes())
    ours = layout.unpack(initial_weights(layout, initializer, seed=0))
    # 0.01 is the default of Module.fit.
    theirs = {"uniform": mx.init.Uniform(0.01), "normal": mx.init.Normal(), "xavier": mx.init.Xavier()}[initializer]
    for name, weights in ours.items():
        drawn = mx.nd.zeros(weights.shape)
        theirs(mx.init.InitDesc(name), drawn)
        expected = drawn.asnumpy()
        if name.endswith("_bias"):
            assert not weights.any()
        elif weights.size > 10_000:
            assert weights.std() == pytest.approx(expected.std(), rel=0.05)
            if initializer != "normal":
                assert np.abs(weights).max() == pytest.approx(np.abs(expected).max(), rel=0.01)


def test_weights_are_equal_only_for_equal_seeds() -> None:
    layout = Layout.of({"a_weight": (4, 4)})
    first, again, other = (initial_weights(layout, "uniform", seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
