"""The multitask metric counts each batch, and starts again with each evaluation."""

import numpy as np
import pytest

from mnist_core.config import MultitaskConfig
from mnist_core.context import mx
from mnist_core.data.dataset import Dataset, Subset
from mnist_core.errors import InputError
from mnist_core.model.networks import build_network
from mnist_core.tutorial.eval_metrics import DigitParityAccuracy
from mnist_core.tutorial.iterators import DigitParityIter, MnistIter

LABELS = [[3, 3, 8, 1], [1, 1, 0, 1]]
# Right, wrong, right, right; then wrong, right, right, right.
PREDICTED = [[3, 8, 8, 1], [0, 1, 0, 1]]


def update(metric: DigitParityAccuracy) -> None:
    """Counts four images, of which three digits and three parities are right."""
    probabilities = [mx.nd.array(np.eye(size)[rows]) for size, rows in zip((10, 2), PREDICTED, strict=True)]
    metric.update([mx.nd.array(label) for label in LABELS], probabilities)


def test_accuracy_is_the_share_of_right_predictions_over_both_heads() -> None:
    metric = DigitParityAccuracy([10, 2])
    update(metric)
    assert metric.get() == ("perdigitaccuracy", 6 / 8)
    assert metric.get_global() == metric.get()


def test_confusion_counts_predictions_by_label() -> None:
    metric = DigitParityAccuracy()
    update(metric)
    digit, parity = metric.confusion
    expected = np.zeros((10, 10), np.int64)
    expected[[3, 3, 8, 1], [3, 8, 8, 1]] = 1
    np.testing.assert_array_equal(digit, expected)
    np.testing.assert_array_equal(parity, [[1, 0], [1, 2]])
    assert digit.dtype == parity.dtype == np.dtype(np.int64)


def test_reset_clears_sums_and_matrices() -> None:
    metric = DigitParityAccuracy()
    update(metric)
    metric.reset()
    assert np.isnan(metric.get()[1])
    assert sum(counts.sum() for counts in metric.confusion) == 0
    update(metric)
    assert metric.get()[1] == 6 / 8


def test_local_reset_by_a_speedometer_keeps_the_matrices_of_the_epoch() -> None:
    metric = DigitParityAccuracy()
    update(metric)
    metric.reset_local()
    update(metric)
    assert metric.num_inst == 8
    assert metric.global_num_inst == 16
    assert metric.confusion[0].sum() == 8


def test_returned_confusion_matrices_are_copies() -> None:
    metric = DigitParityAccuracy()
    update(metric)
    kept = metric.confusion
    update(metric)
    assert kept[0].sum() == 4


def test_fewer_predictions_than_heads_are_rejected() -> None:
    metric = DigitParityAccuracy()
    with pytest.raises(ValueError, match="shorter"):
        metric.update([mx.nd.array(LABELS[0])], [mx.nd.array(np.eye(10)[PREDICTED[0]])])


def test_labels_in_one_column_are_counted_like_labels_in_a_row() -> None:
    row, column = DigitParityAccuracy(), DigitParityAccuracy()
    update(row)
    probabilities = [mx.nd.array(np.eye(size)[rows]) for size, rows in zip((10, 2), PREDICTED, strict=True)]
    column.update([mx.nd.array(label).reshape((-1, 1)) for label in LABELS], probabilities)
    assert column.get() == row.get()
    for left, right in zip(column.confusion, row.confusion, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(("head", "label"), [(0, 10), (0, -1), (0, 2.5), (0, 256), (1, 2), (1, -1)])
def test_label_that_is_no_class_of_its_head_is_rejected_and_nothing_is_counted(head: int, label: float) -> None:
    metric = DigitParityAccuracy()
    labels = [list(map(float, each)) for each in LABELS]
    labels[head][1] = label
    probabilities = [mx.nd.array(np.eye(size)[rows]) for size, rows in zip((10, 2), PREDICTED, strict=True)]
    size = (10, 2)[head]
    with pytest.raises(InputError, match=rf"got label {label:g} for a head with {size} classes: give labels in 0\.\."):
        metric.update([mx.nd.array(each) for each in labels], probabilities)
    assert metric.num_inst == 0
    assert sum(counts.sum() for counts in metric.confusion) == 0


@pytest.mark.parametrize("shape", [(2, 2), (3,), (4, 2)])
def test_labels_that_are_not_one_for_each_image_are_rejected(shape: tuple[int, ...]) -> None:
    labels = [mx.nd.zeros(shape), mx.nd.zeros(4)]
    with pytest.raises(InputError, match=r"labels of shape .* for 4 images: give one label for each image"):
        DigitParityAccuracy().update(labels, [mx.nd.zeros((4, 10)), mx.nd.zeros((4, 2))])


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_arrays_of_numpy_are_counted_like_mxnets(shape: tuple[int, ...]) -> None:
    theirs, numpys = DigitParityAccuracy(), DigitParityAccuracy()
    update(theirs)
    probabilities = [np.eye(size)[rows] for size, rows in zip((10, 2), PREDICTED, strict=True)]
    numpys.update([np.array(label).reshape(shape) for label in LABELS], probabilities)
    assert numpys.get() == theirs.get()


@pytest.mark.parametrize("shape", [(4, 9), (4, 12), (4,)])
def test_predictions_that_are_not_one_for_each_class_are_rejected(shape: tuple[int, ...]) -> None:
    metric = DigitParityAccuracy()
    with pytest.raises(InputError, match=r"predictions of shape .* for a head with 10 classes: give one probability"):
        metric.update([mx.nd.array(label) for label in LABELS], [mx.nd.zeros(shape), mx.nd.zeros((4, 2))])
    assert metric.num_inst == 0


def test_second_evaluation_does_not_include_the_first(small_dataset: Dataset) -> None:
    one, other = (
        DigitParityIter(MnistIter(Subset(small_dataset.test, np.arange(start, start + 60)), 25)) for start in (0, 60)
    )
    network = build_network(MultitaskConfig())
    module = mx.mod.Module(network.symbol, label_names=[head.label_name for head in network.heads])
    module.bind(one.provide_data, one.provide_label)
    module.init_params(mx.init.Xavier())
    used, fresh = DigitParityAccuracy(), DigitParityAccuracy()
    module.score(one, used)
    module.score(other, used)
    module.score(other, fresh)
    assert used.get() == fresh.get()
    assert used.get_global() == fresh.get_global()
    for left, right in zip(used.confusion, fresh.confusion, strict=True):
        np.testing.assert_array_equal(left, right)
        assert left.sum() == 60
