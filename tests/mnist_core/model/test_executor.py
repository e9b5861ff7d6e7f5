"""A batch on its way into a network, on a CPU and on a device that numpy cannot write to."""

from typing import Any

import numpy as np
import pytest

from mnist_core.config import LenetConfig, ModelConfig, MultitaskConfig
from mnist_core.context import mx, open_context
from mnist_core.data.dataset import Dataset, FloatArray, LabelledImages
from mnist_core.model.executor import BatchExecutor, predict_all, shared_array
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, initial_weights

MODELS: list[ModelConfig] = [MultitaskConfig(initializer="xavier"), LenetConfig(initializer="xavier")]
BATCH = 20


def bound(model: ModelConfig, context: Any) -> tuple[BatchExecutor, Any]:
    """A network on a context, and its gradient."""
    network = build_network(model)
    layout = Layout.of(network.parameter_shapes())
    (weights, _), (gradient, _) = shared_array((layout.size,), context), shared_array((layout.size,), context)
    weights[:] = initial_weights(layout, model.initializer, 0)
    return BatchExecutor(network, layout, BATCH, weights, gradient), gradient


def train_then_predict(model: ModelConfig, context: Any, dataset: Dataset) -> list[FloatArray]:
    """The probabilities and the gradient of a batch, and the probabilities of a smaller one."""
    executor, gradient = bound(model, context)
    trained = [output.copy() for output in executor.train(dataset.train, np.arange(BATCH))]
    predicted = executor.predict(dataset.train, np.arange(100, 107))
    return [*trained, gradient.asnumpy(), *(output[:7].copy() for output in predicted)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
def test_batch_copied_to_a_device_gives_what_a_batch_in_shared_memory_gives(
    model: ModelConfig, small_dataset: Dataset
) -> None:
    """Pinned memory takes the place of a GPU's: to the executor it is another device, which any machine has."""
    on_cpu = train_then_predict(model, open_context("cpu"), small_dataset)
    on_device = train_then_predict(model, mx.Context("cpu_pinned", 0), small_dataset)
    for ours, theirs in zip(on_device, on_cpu, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_training_on_a_batch_depends_on_its_labels_and_prediction_does_not(small_dataset: Dataset) -> None:
    executor, gradient = bound(MODELS[0], open_context("cpu"))
    source, indices = small_dataset.train, np.arange(BATCH)
    relabelled = LabelledImages(source.images, source.labels[::-1])
    gradients, predictions = [], []
    for images in (source, relabelled):
        executor.train(images, indices)
        gradients.append(gradient.asnumpy())
        predictions.append([output.copy() for output in executor.predict(images, indices)])
    assert not np.array_equal(*gradients)
    np.testing.assert_array_equal(predictions[0][0], predictions[1][0])


def test_all_images_are_predicted_in_their_order_whatever_the_size_of_the_last_batch(small_dataset: Dataset) -> None:
    executor, _ = bound(MODELS[0], open_context("cpu"))
    indices = np.random.default_rng(0).permutation(256)[:47]
    digits, parities = predict_all(executor, small_dataset.train, indices, [10, 2])
    assert (digits.shape, parities.shape) == ((47, 10), (47, 2))
    for row in (0, 19, 20, 46):
        alone = executor.predict(small_dataset.train, indices[row : row + 1])
        np.testing.assert_allclose(digits[row], alone[0][0], rtol=1e-5)
