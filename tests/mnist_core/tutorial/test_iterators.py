"""The iterators for MXNet's own API: every image once an epoch, in a seeded order, also through Module."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig
from mnist_core.context import mx
from mnist_core.data.dataset import Dataset, LabelledImages, Subset, all_images, epoch_order
from mnist_core.errors import InputError
from mnist_core.model.networks import build_network
from mnist_core.tutorial.eval_metrics import DigitParityAccuracy
from mnist_core.tutorial.iterators import DigitParityIter, InputNames, MnistIter


def first(images: LabelledImages, count: int) -> Subset:
    return Subset(images, np.arange(count))


def visited(iterator: Any) -> list[int]:
    """Returns the indices of the images in the rest of the epoch, without the padding."""
    batches = [batch.index[: len(batch.index) - batch.pad] for batch in iterator]
    return [int(index) for batch in batches for index in batch]


def bound_module(model: ModelConfig, iterator: Any) -> Any:
    network = build_network(model)
    module = mx.mod.Module(network.symbol, label_names=[head.label_name for head in network.heads])
    module.bind(iterator.provide_data, iterator.provide_label)
    module.init_params(mx.init.Xavier())
    return module


@given(count=st.integers(1, 40), batch_size=st.integers(1, 50), seed=st.one_of(st.none(), st.integers(0, 9)))
@pytest.mark.parametrize("last_batch", ["short", "pad"])
def test_every_epoch_visits_every_image_once(
    small_dataset: Dataset, last_batch: Any, count: int, batch_size: int, seed: int | None
) -> None:
    subset = Subset(small_dataset.train, np.arange(100, 100 + count))
    iterator = MnistIter(subset, batch_size, shuffle_seed=seed, last_batch=last_batch)
    for _ in range(2):
        assert sorted(visited(iterator)) == list(range(100, 100 + count))
        iterator.reset()


@given(count=st.integers(1, 40), batch_size=st.integers(1, 50))
def test_padded_batches_equal_those_of_mxnets_own_iterator(small_dataset: Dataset, count: int, batch_size: int) -> None:
    images = small_dataset.train.images[:count].reshape(-1, 1, 28, 28).astype(np.float32) / 255
    theirs = mx.io.NDArrayIter(images, small_dataset.train.labels[:count].astype(np.float32), batch_size)
    ours = MnistIter(first(small_dataset.train, count), batch_size, last_batch="pad")
    assert ours.provide_data == theirs.provide_data
    assert ours.provide_label == theirs.provide_label
    for our_batch, their_batch in zip(ours, theirs, strict=True):
        assert our_batch.pad == their_batch.pad
        np.testing.assert_array_equal(our_batch.data[0].asnumpy(), their_batch.data[0].asnumpy())
        np.testing.assert_array_equal(our_batch.label[0].asnumpy(), their_batch.label[0].asnumpy())


def test_batch_has_the_pixels_and_digits_of_its_index(small_dataset: Dataset) -> None:
    batch = MnistIter(small_dataset.test, 7, shuffle_seed=3).next()
    expected = small_dataset.test.images[batch.index].astype(np.float32) / 255
    np.testing.assert_array_equal(batch.data[0].asnumpy()[:, 0], expected)
    np.testing.assert_array_equal(batch.label[0].asnumpy(), small_dataset.test.labels[batch.index])
    assert (batch.data[0].dtype, batch.label[0].dtype) == (np.float32, np.float32)


def test_flat_batch_has_rows_of_784_as_described(small_dataset: Dataset) -> None:
    iterator = MnistIter(small_dataset.test, 7, flat=True, names=InputNames("pixels", "digit"))
    assert [(desc.name, desc.shape) for desc in iterator.provide_data] == [("pixels", (7, 784))]
    assert [(desc.name, desc.shape) for desc in iterator.provide_label] == [("digit", (7,))]
    data = iterator.next().data[0].asnumpy()
    np.testing.assert_array_equal(data, small_dataset.test.images[:7].reshape(7, 784).astype(np.float32) / 255)


def test_shuffled_epochs_follow_the_order_of_a_trial_with_that_seed(small_dataset: Dataset) -> None:
    subset = all_images(small_dataset.train)
    iterator = MnistIter(subset, 100, shuffle_seed=5)
    for epoch in range(3):
        assert visited(iterator) == epoch_order(subset.indices, 5, epoch).tolist()
        iterator.reset()


def test_reset_before_the_first_batch_starts_the_same_epoch(small_dataset: Dataset) -> None:
    untouched, reset = (MnistIter(small_dataset.train, 100, shuffle_seed=5) for _ in range(2))
    reset.reset()
    assert visited(reset) == visited(untouched)


def test_hard_reset_starts_the_first_epoch_again(small_dataset: Dataset) -> None:
    iterator = MnistIter(small_dataset.train, 100, shuffle_seed=5)
    first_epoch = visited(iterator)
    iterator.reset()
    assert visited(iterator) != first_epoch
    iterator.hard_reset()
    assert visited(iterator) == first_epoch


def test_batch_size_of_zero_is_rejected(small_dataset: Dataset) -> None:
    with pytest.raises(InputError, match="batch_size is 0: give at least 1"):
        MnistIter(small_dataset.train, 0)


@pytest.mark.parametrize("word", ["discard", "roll_over", "Short", "", None])
def test_unknown_word_for_the_last_batch_is_rejected(word: Any, small_dataset: Dataset) -> None:
    with pytest.raises(InputError, match=rf"last_batch is {word!r}: choose one of 'short', 'pad'"):
        MnistIter(small_dataset.train, last_batch=word)


@pytest.mark.parametrize("words", [np.array(["pad", "short"]), mx.nd.array([1, 2]), ["pad"]])
def test_last_batch_that_is_no_word_is_rejected(words: Any, small_dataset: Dataset) -> None:
    with pytest.raises(InputError, match=r"choose one of 'short', 'pad'"):
        MnistIter(small_dataset.train, last_batch=words)


@pytest.mark.parametrize("batch_size", [50, 128, 200])
@pytest.mark.parametrize("model", [MlpConfig(), LenetConfig()], ids=["mlp", "lenet"])
def test_module_scores_and_predicts_each_image_once(
    small_dataset: Dataset, model: ModelConfig, batch_size: int
) -> None:
    iterator = MnistIter(small_dataset.test, batch_size)
    module = bound_module(model, iterator)
    accuracy = mx.metric.Accuracy()
    module.score(iterator, accuracy)
    predicted = module.predict(iterator).asnumpy()
    assert accuracy.num_inst == 128
    assert predicted.shape == (128, 10)
    right = (predicted.argmax(axis=1) == small_dataset.test.labels).sum()
    assert accuracy.sum_metric == right


def test_module_predicts_the_same_from_padded_batches(small_dataset: Dataset) -> None:
    short, pad = MnistIter(small_dataset.test, 50), MnistIter(small_dataset.test, 50, last_batch="pad")
    module = bound_module(MlpConfig(), short)
    np.testing.assert_array_equal(module.predict(short).asnumpy(), module.predict(pad).asnumpy())


def test_module_learns_in_one_epoch(small_dataset: Dataset) -> None:
    train = MnistIter(small_dataset.train, 20, shuffle_seed=0)
    validation = MnistIter(small_dataset.test, 50)
    module = mx.mod.Module(build_network(MlpConfig()).symbol)
    module.fit(train, validation, optimizer_params={"learning_rate": 0.1}, initializer=mx.init.Xavier(), num_epoch=1)
    ((_, accuracy),) = module.score(validation, "acc")
    assert accuracy > 0.3


def test_multitask_module_fits_scores_and_predicts_two_heads(small_dataset: Dataset) -> None:
    train = DigitParityIter(MnistIter(small_dataset.train, 20, shuffle_seed=0))
    validation = DigitParityIter(MnistIter(small_dataset.test, 50))
    names = ["softmaxdigit_label", "softmaxparity_label"]
    module = mx.mod.Module(build_network(MultitaskConfig()).symbol, label_names=names)
    metric = DigitParityAccuracy([10, 2])
    module.fit(train, validation, metric, optimizer_params={"learning_rate": 0.1}, num_epoch=1)
    module.score(validation, metric)
    digits, parities = (output.asnumpy() for output in module.predict(validation))
    assert (digits.shape, parities.shape) == ((128, 10), (128, 2))
    labels = small_dataset.test.labels
    right = (digits.argmax(axis=1) == labels).sum() + (parities.argmax(axis=1) == labels % 2).sum()
    assert metric.num_inst == 256
    assert metric.get() == ("perdigitaccuracy", right / 256)


def test_parity_iterator_adds_the_parity_to_any_iterator_with_digits(small_dataset: Dataset) -> None:
    labels = small_dataset.test.labels.astype(np.float32)
    iterator = DigitParityIter(mx.io.NDArrayIter(np.zeros((128, 3), np.float32), labels, 50))
    assert iterator.batch_size == 50
    assert [desc.name for desc in iterator.provide_data] == ["data"]
    assert [(desc.name, desc.shape) for desc in iterator.provide_label] == [
        ("softmaxdigit_label", (50,)),
        ("softmaxparity_label", (50,)),
    ]
    iterator.hard_reset()
    batches = list(iterator)
    assert [batch.pad for batch in batches] == [0, 0, 22]
    digits, parities = (np.concatenate([batch.label[i].asnumpy() for batch in batches])[:128] for i in range(2))
    np.testing.assert_array_equal(digits, labels)
    np.testing.assert_array_equal(parities, labels % 2)


def test_parity_iterator_resets_the_other_iterator(small_dataset: Dataset) -> None:
    iterator = DigitParityIter(MnistIter(small_dataset.train, 100, shuffle_seed=5))
    first_epoch = visited(iterator)
    iterator.reset()
    assert visited(iterator) != first_epoch
    iterator.hard_reset()
    assert visited(iterator) == first_epoch


def test_parity_iterator_rejects_two_labels(small_dataset: Dataset) -> None:
    iterator = DigitParityIter(MnistIter(small_dataset.train))
    with pytest.raises(InputError, match=r"one label, the digit, but this one has \['softmaxdigit_label', "):
        DigitParityIter(iterator)
