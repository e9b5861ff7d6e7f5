"""A saved model is in MXNet's format: plain Module loads it and scores the same accuracy."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig, TrainingConfig
from mnist_core.context import mx, open_context
from mnist_core.data.dataset import Dataset, split
from mnist_core.errors import CheckpointError, NotWritable
from mnist_core.model.parameters import Vector, weights_sha256
from mnist_core.model.prediction import Predictor
from mnist_core.model.saved_model import EPOCH, ModelCard, load_card, load_model, read_symbol, save_model
from mnist_core.training.trainer import Trainer
from mnist_core.tutorial.eval_metrics import DigitParityAccuracy
from mnist_core.tutorial.iterators import DigitParityIter, MnistIter

MODELS: dict[str, ModelConfig] = {
    "mlp": MlpConfig(initializer="xavier"),
    "lenet": LenetConfig(initializer="xavier"),
    "multitask": MultitaskConfig(initializer="xavier"),
}
RECIPE = TrainingConfig(epochs=2, batch_size=32, momentum=0.9, learning_rate=0.05)


def trained(model: ModelConfig, dataset: Dataset) -> Vector:
    trainer = Trainer(model, RECIPE, split(dataset, "test", seed=0), seed=1, context=open_context("cpu"))
    list(trainer.epochs())
    return trainer.weights()


def card_of(model: ModelConfig, weights: Vector) -> ModelCard:
    return ModelCard(
        trial=7,
        model=model,
        training=RECIPE,
        params={"model.hidden": [128, 64]},
        metrics={"val/accuracy": 0.5},
        test=None,
        classes={head.name: head.class_names for head in model.heads},
        weights_sha256=weights_sha256(weights),
        data_fingerprint="f" * 64,
    )


@pytest.fixture
def saved_mlp(small_dataset: Dataset, tmp_path: Path) -> Path:
    """The prefix of a saved MLP."""
    weights = trained(MODELS["mlp"], small_dataset)
    save_model(tmp_path / "model", card_of(MODELS["mlp"], weights), weights)
    return tmp_path / "model"


@pytest.mark.parametrize("kind", MODELS)
def test_module_loads_a_saved_model_and_scores_the_same_accuracy(
    kind: str, small_dataset: Dataset, tmp_path: Path
) -> None:
    weights = trained(MODELS[kind], small_dataset)
    prefix = tmp_path / "best" / "model"
    save_model(prefix, card_of(MODELS[kind], weights), weights)
    ours = Predictor(MODELS[kind], weights, open_context("cpu")).evaluate(small_dataset.test)

    images = MnistIter(small_dataset.test, batch_size=100)
    iterator = DigitParityIter(images) if kind == "multitask" else images
    labels = [head.label_name for head in MODELS[kind].heads]
    module = mx.mod.Module.load(str(prefix), EPOCH, label_names=labels)
    module.bind(iterator.provide_data, iterator.provide_label, for_training=False)
    metric = DigitParityAccuracy() if kind == "multitask" else mx.metric.Accuracy()
    ((_, accuracy),) = module.score(iterator, metric)
    assert accuracy == pytest.approx(ours.accuracy, abs=1e-9)
    assert accuracy > 0.3  # it has learned something, so the equality means something


@pytest.mark.parametrize("kind", MODELS)
def test_saved_model_loads_to_the_same_bits(kind: str, small_dataset: Dataset, tmp_path: Path) -> None:
    weights = trained(MODELS[kind], small_dataset)
    card = card_of(MODELS[kind], weights)
    save_model(tmp_path / "model", card, weights)
    loaded_card, loaded = load_model(tmp_path / "model")
    assert loaded_card == card
    assert weights_sha256(loaded) == card.weights_sha256


def test_saving_replaces_the_previous_model(small_dataset: Dataset, tmp_path: Path) -> None:
    for kind in ("lenet", "mlp"):
        weights = trained(MODELS[kind], small_dataset)
        save_model(tmp_path / "model", card_of(MODELS[kind], weights), weights)

    assert load_card(tmp_path / "model").model == MODELS["mlp"]
    assert weights_sha256(load_model(tmp_path / "model")[1]) == weights_sha256(weights)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model-0000.params", "model-symbol.json", "model.json"]


def test_symbol_of_a_saved_model_is_its_network(saved_mlp: Path) -> None:
    assert mx.sym.load_json(read_symbol(saved_mlp)).list_outputs() == ["softmax_output"]


@pytest.mark.parametrize("read", [load_model, load_card])
def test_missing_model_is_rejected(read: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"model\.json is missing"):
        read(tmp_path / "model")


@pytest.mark.parametrize("victim", ["model.json", "model-0000.params"])
def test_truncated_file_is_rejected_by_name(victim: str, saved_mlp: Path) -> None:
    path = saved_mlp.with_name(victim)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=rf"{victim} is damaged"):
        load_model(saved_mlp)


# The header of the list, a dimension of the first array, a weight, the last name.
@pytest.mark.parametrize("offset", [0, 46, 5000, -1])
def test_params_with_one_wrong_byte_are_rejected(offset: int, saved_mlp: Path) -> None:
    path = saved_mlp.with_name("model-0000.params")
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="model-0000.params is damaged: its SHA-256"):
        load_model(saved_mlp)


def test_card_of_another_network_is_rejected(saved_mlp: Path) -> None:
    path = saved_mlp.with_name("model.json")
    card = json.loads(path.read_text())
    card["model"]["hidden"] = [128, 65]
    path.write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match=r"does not contain the network that model\.json describes"):
        load_model(saved_mlp)


@pytest.mark.parametrize("victim", ["model-0000.params", "model-symbol.json"])
def test_missing_file_is_rejected_by_name(victim: str, saved_mlp: Path) -> None:
    saved_mlp.with_name(victim).unlink()
    with pytest.raises(CheckpointError, match=f"{victim} is missing: the saved model is incomplete"):
        load_model(saved_mlp) if victim.endswith("params") else read_symbol(saved_mlp)


def test_weights_of_another_card_are_not_saved(small_dataset: Dataset, tmp_path: Path) -> None:
    weights = trained(MODELS["mlp"], small_dataset)
    with pytest.raises(CheckpointError, match="the SHA-256 of its weights differs from the one in its card"):
        save_model(tmp_path / "model", card_of(MODELS["mlp"], weights + 1), weights)
    assert not list(tmp_path.iterdir())


def test_folder_that_cannot_be_created_is_not_writable(small_dataset: Dataset, tmp_path: Path) -> None:
    weights = trained(MODELS["mlp"], small_dataset)
    (tmp_path / "best").write_text("in the way")
    with pytest.raises(NotWritable, match="best cannot be created"):
        save_model(tmp_path / "best" / "model", card_of(MODELS["mlp"], weights), weights)
