"""Predictions against the same sums in numpy, each image exactly once."""

import numpy as np
import numpy.typing as npt
import pytest

from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig
from mnist_core.context import open_context
from mnist_core.data.dataset import Dataset, LabelledImages
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, Vector, initial_weights
from mnist_core.model.prediction import BATCH, Predictor

MODELS: dict[str, ModelConfig] = {
    "mlp": MlpConfig(initializer="xavier"),
    "lenet": LenetConfig(initializer="xavier"),
    "multitask": MultitaskConfig(initializer="xavier"),
}
SEED = 5


def layout_of(model: ModelConfig) -> Layout:
    return Layout.of(build_network(model).parameter_shapes())


def weights_of(model: ModelConfig) -> Vector:
    return initial_weights(layout_of(model), model.initializer, SEED)


def predictor_of(kind: str) -> Predictor:
    return Predictor(MODELS[kind], weights_of(MODELS[kind]), open_context("cpu"))


def softmax_outputs(images: npt.NDArray[np.uint8], *heads: str) -> list[npt.NDArray[np.float64]]:
    """The multitask network's outputs, in numpy: per head, (N, classes)."""
    weights = layout_of(MODELS["multitask"]).unpack(weights_of(MODELS["multitask"]))
    layer = images.reshape(-1, 784).astype(np.float64) / 255
    for name in ("fc1", "fc2"):
        layer = np.maximum(layer @ weights[f"{name}_weight"].T + weights[f"{name}_bias"], 0)
    outputs = []
    for head in heads:
        logits = layer @ weights[f"{head}_weight"].T + weights[f"{head}_bias"]
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        outputs.append(exponentials / exponentials.sum(axis=1, keepdims=True))
    return outputs


@pytest.mark.parametrize("count", [0, 1, BATCH - 1, BATCH, BATCH + 1, 128])
def test_every_image_is_predicted_exactly_once_and_in_order(count: int, small_dataset: Dataset) -> None:
    images = small_dataset.test.images[:count]

    predictions = predictor_of("multitask").predict(images)

    digits, parities = softmax_outputs(images, "fc3digit", "fc3parity")
    assert len(predictions) == count
    for seen, digit, parity in zip(predictions, digits, parities, strict=True):
        assert seen.probabilities == pytest.approx(digit.tolist(), rel=1e-4)
        assert (seen.digit, seen.probability) == (digit.argmax(), max(seen.probabilities))
        assert seen.parity == ("even", "odd")[parity.argmax()]
        assert seen.parity_probability == pytest.approx(parity.max(), rel=1e-4)


@pytest.mark.parametrize("kind", ["mlp", "lenet"])
def test_network_without_a_parity_head_predicts_no_parity(kind: str, small_dataset: Dataset) -> None:
    (seen,) = predictor_of(kind).predict(small_dataset.test.images[:1])

    assert (seen.parity, seen.parity_probability) == (None, None)
    assert sum(seen.probabilities) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_predicting_again_after_other_images_gives_the_same_bits(kind: str, small_dataset: Dataset) -> None:
    predictor, images = predictor_of(kind), small_dataset.test.images

    first = predictor.predict(images[:7])
    predictor.predict(images[7:])

    assert predictor.predict(images[:7]) == first


@pytest.mark.parametrize("kind", MODELS)
def test_scores_agree_with_the_predictions(kind: str, small_dataset: Dataset) -> None:
    predictor, test = predictor_of(kind), small_dataset.test
    seen = predictor.predict(test.images)

    scores = predictor.evaluate(test)

    right = np.mean([prediction.digit == label for prediction, label in zip(seen, test.labels, strict=True)])
    assert scores.head_accuracy["digit"] == pytest.approx(right)
    assert np.sum(scores.confusion["digit"]) == len(test)
    assert ("parity" in scores.confusion) == (kind == "multitask")


def test_scores_of_one_image_are_those_of_its_prediction(small_dataset: Dataset) -> None:
    predictor = predictor_of("mlp")
    one = LabelledImages(small_dataset.test.images[:1], small_dataset.test.labels[:1])
    (seen,) = predictor.predict(one.images)

    assert predictor.evaluate(one).loss == pytest.approx(-np.log(seen.probabilities[one.labels[0]]))
