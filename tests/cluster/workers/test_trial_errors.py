"""Errors that a trial may raise: real ones of MXNet, and those of Python and the system."""

from collections.abc import Callable

import pytest

from cluster.workers.trial_errors import is_out_of_memory, is_permanent, summarize_error
from mnist_core.context import bind, mx


def bind_wrong_shape() -> None:
    network = mx.sym.FullyConnected(mx.sym.var("data"), mx.sym.var("weight"), num_hidden=3, no_bias=True)
    bind(network, mx.cpu(), {"data": mx.nd.ones((2, 2)), "weight": mx.nd.ones((7, 7))}, None)


def raising(err: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise err

    return fail


@pytest.mark.parametrize(
    ("fail", "permanent", "out_of_memory"),
    [
        (bind_wrong_shape, True, False),
        (raising(ValueError("wrong")), True, False),
        (raising(ZeroDivisionError("wrong")), True, False),
        (raising(RuntimeError("who knows")), False, False),
        (raising(OSError(5, "input/output error")), False, False),
        (raising(MemoryError("no more")), False, True),
        (raising(RuntimeError("cudaMalloc retry failed: out of memory")), False, True),
    ],
)
def test_error_is_permanent_if_the_trial_would_raise_it_again(
    fail: Callable[[], None], permanent: bool, out_of_memory: bool
) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - of any kind
        fail()
    assert (is_permanent(raised.value), is_out_of_memory(raised.value)) == (permanent, out_of_memory)


def test_error_raised_while_handling_a_memory_error_counts_as_out_of_memory() -> None:
    later = ValueError("later")
    later.__context__ = MemoryError()
    assert is_out_of_memory(later)


def reshape_too_large() -> None:
    mx.nd.ones(2).reshape((3,))


def add_two_shapes() -> None:
    mx.nd.add(mx.nd.ones(2), mx.nd.ones(3))


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        (raising(ValueError("wrong\nand more")), "ValueError: wrong"),
        (raising(ValueError("  ")), "ValueError: no message"),
        (
            add_two_shapes,
            "MXNetError: Check failed: l == 1 || r == 1: operands could not be broadcast together",
        ),
        (
            reshape_too_large,
            "MXNetError: NDArray.Reshape: Check failed: shape_.Size() >= shape.Size() (2 vs. 3)",
        ),
    ],
)
def test_error_is_summarized_in_one_line_without_mxnets_traceback(fail: Callable[[], None], error: str) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - of any kind
        fail()
    summary = summarize_error(raised.value)
    assert summary.startswith(error)
    assert "\n" not in summary
