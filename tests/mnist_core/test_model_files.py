"""A saved model is MXNet's: plain Module opens it and scores to the same accuracy."""

from pathlib import Path

import numpy as np
import pytest

from mnist_core.checkpoint import weights_sha256
from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig, TrainingConfig
from mnist_core.context import mx, open_context
from mnist_core.dataset import Dataset, split
from mnist_core.errors import CheckpointError
from mnist_core.eval_metrics import DigitParityAccuracy
from mnist_core.iterators import DigitParityIter, MnistIter
from mnist_core.model_files import CLASS_NAMES, EPOCH, ModelCard, load_model, save_model
from mnist_core.networks import heads_of
from mnist_core.parameters import Vector
from mnist_core.prediction import Predictor
from mnist_core.training import Training

MODELS: dict[str, ModelConfig] = {
    "mlp": MlpConfig(initializer="xavier"),
    "lenet": LenetConfig(initializer="xavier"),
    "multitask": MultitaskConfig(initializer="xavier"),
}
RECIPE = TrainingConfig(epochs=2, batch_size=32, momentum=0.9, learning_rate=0.05)


def trained(model: ModelConfig, dataset: Dataset) -> Vector:
    training = Training(model, RECIPE, split(dataset, "test", seed=0), seed=1, context=open_context("cpu"))
    list(training.epochs())
    return training.weights()


def card_of(model: ModelConfig, weights: Vector) -> ModelCard:
    return ModelCard(
        trial=7,
        model=model,
        training=RECIPE,
        params={"model.hidden": [128, 64]},
        metrics={"val/accuracy": 0.5},
        test=None,
        classes={head.name: CLASS_NAMES[head.name] for head in heads_of(model.kind)},
        weights_sha256=weights_sha256(weights),
        data_fingerprint="f" * 64,
    )


@pytest.mark.parametrize("kind", MODELS)
def test_saved_model_opened_by_module_scores_to_the_same_accuracy(
    kind: str, small_dataset: Dataset, tmp_path: Path
) -> None:
    weights = trained(MODELS[kind], small_dataset)
    prefix = tmp_path / "best" / "model"
    save_model(prefix, card_of(MODELS[kind], weights), weights)
    ours = Predictor(MODELS[kind], weights, open_context("cpu")).evaluate(small_dataset.test)

    images = MnistIter(small_dataset.test, batch_size=100)
    iterator = DigitParityIter(images) if kind == "multitask" else images
    labels = [head.label_name for head in heads_of(kind)]
    module = mx.mod.Module.load(str(prefix), EPOCH, label_names=labels)
    module.bind(iterator.provide_data, iterator.provide_label, for_training=False)
    metric = DigitParityAccuracy() if kind == "multitask" else mx.metric.Accuracy()
    ((_, accuracy),) = module.score(iterator, metric)
    assert accuracy == pytest.approx(ours.accuracy, abs=1e-9)
    assert accuracy > 0.3  # it has learnt something, so equality is no accident


@pytest.mark.parametrize("kind", MODELS)
def test_saved_model_loads_to_the_same_bits(kind: str, small_dataset: Dataset, tmp_path: Path) -> None:
    weights = trained(MODELS[kind], small_dataset)
    card = card_of(MODELS[kind], weights)
    save_model(tmp_path / "model", card, weights)
    loaded_card, loaded = load_model(tmp_path / "model")
    assert loaded_card == card
    assert weights_sha256(loaded) == card.weights_sha256


def test_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"model\.json is missing"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("victim", ["model.json", "model-0000.params"])
def test_damaged_model_is_refused_by_name(victim: str, small_dataset: Dataset, tmp_path: Path) -> None:
    weights = trained(MODELS["mlp"], small_dataset)
    save_model(tmp_path / "model", card_of(MODELS["mlp"], weights), weights)
    path = tmp_path / victim
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=victim.replace(".", r"\.")):
        load_model(tmp_path / "model")


def test_model_missing_its_params_is_refused(small_dataset: Dataset, tmp_path: Path) -> None:
    weights = trained(MODELS["mlp"], small_dataset)
    save_model(tmp_path / "model", card_of(MODELS["mlp"], weights), weights)
    (tmp_path / "model-0000.params").unlink()
    with pytest.raises(CheckpointError, match="model-0000.params is missing"):
        load_model(tmp_path / "model")


def test_predictions_name_the_most_probable_digit_and_parity(small_dataset: Dataset) -> None:
    weights = trained(MODELS["multitask"], small_dataset)
    predictor = Predictor(MODELS["multitask"], weights, open_context("cpu"))
    predictions = predictor.predict(small_dataset.test.images[:30])
    assert len(predictions) == 30
    for prediction in predictions:
        assert prediction.digit == int(np.argmax(prediction.probabilities))
        assert prediction.probability == max(prediction.probabilities)
        assert sum(prediction.probabilities) == pytest.approx(1, abs=1e-5)
        assert prediction.parity in ("even", "odd")


def test_predictions_of_no_images_are_none(small_dataset: Dataset) -> None:
    predictor = Predictor(MODELS["mlp"], trained(MODELS["mlp"], small_dataset), open_context("cpu"))
    assert predictor.predict(small_dataset.test.images[:0]) == []
