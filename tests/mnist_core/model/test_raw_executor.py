"""Executors called through MXNet's C interface, against its own Python wrapper."""

import numpy as np

from mnist_core.context import bind, mx, open_context
from mnist_core.model.raw_executor import RawExecutor


def test_version_of_mxnet_is_the_one_whose_private_names_are_used() -> None:
    assert mx.__version__ == "1.9.1", "look again at mxnet.base._LIB and at the calls in model/raw_executor.py"


def test_outputs_and_gradients_equal_those_of_mxnets_wrapper() -> None:
    logits = mx.sym.FullyConnected(mx.sym.var("data"), mx.sym.var("weight"), num_hidden=3, no_bias=True)
    symbol = mx.sym.SoftmaxOutput(logits, name="softmax")
    rng = np.random.default_rng(0)
    drawn = {"data": rng.normal(size=(4, 5)), "weight": rng.normal(size=(3, 5)), "softmax_label": np.arange(4) % 3}
    gradients = [mx.nd.zeros((3, 5)) for _ in range(2)]
    ours, theirs = (
        bind(symbol, open_context("cpu"), {k: mx.nd.array(v) for k, v in drawn.items()}, {"weight": gradient})
        for gradient in gradients
    )
    raw = RawExecutor(ours)
    raw.forward(is_train=True)
    raw.backward()
    (expected,) = theirs.forward(is_train=True)
    theirs.backward()

    np.testing.assert_array_equal(raw.outputs()[0], expected.asnumpy())
    np.testing.assert_array_equal(gradients[0].asnumpy(), gradients[1].asnumpy())
