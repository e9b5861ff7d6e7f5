"""The last hidden layer: with the last dense layer and a softmax on top, it gives the network's own predictions."""

import numpy as np
import pytest

from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig
from mnist_core.context import open_context
from mnist_core.data.dataset import Dataset
from mnist_core.model.hidden_layer import last_hidden_layer
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, initial_weights
from mnist_core.model.prediction import Predictor

MODELS: list[tuple[ModelConfig, str]] = [
    (MlpConfig(hidden=(32, 16), activation="softrelu", initializer="xavier"), "fc3"),
    (LenetConfig(filters=(4, 6), hidden=24, initializer="xavier"), "fc2"),
    (MultitaskConfig(hidden=(20,), initializer="xavier"), "fc2digit"),
]


@pytest.mark.parametrize(("model", "last"), MODELS)
def test_predictions_follow_from_the_last_hidden_layer(model: ModelConfig, last: str, small_dataset: Dataset) -> None:
    layout = Layout.of(build_network(model).parameter_shapes())
    weights = initial_weights(layout, model.initializer, seed=7)
    parameters = layout.unpack(weights)
    images = small_dataset.test.images[:5]

    features = last_hidden_layer(model, weights, images, open_context("cpu"))

    logits = features @ parameters[f"{last}_weight"].T + parameters[f"{last}_bias"]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    predictions = Predictor(model, weights, open_context("cpu")).predict(images)
    assert shares == pytest.approx(np.array([each.probabilities for each in predictions]), abs=1e-5)
