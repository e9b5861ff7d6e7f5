"""The examples in the docstrings of mnist_core run and print what they say."""

import doctest
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mnist_core.config import MlpConfig, TrainingConfig
from mnist_core.context import open_context
from mnist_core.data.dataset import Dataset, Split, Subset
from mnist_core.model import prediction
from mnist_core.model.networks import build_network
from mnist_core.training import trainer
from mnist_core.training.trainer import Trainer
from mnist_core.tutorial import iterators


@pytest.fixture
def names(small_dataset: Dataset) -> dict[str, Any]:
    """What the examples use without an import: three images among it, and the weights of a network that knows them."""
    model = MlpConfig(initializer="xavier")
    three = Subset(small_dataset.test, np.arange(3))
    trained = Trainer(model, TrainingConfig(epochs=50), Split(three, three), seed=0, context=open_context("cpu"))
    list(trained.epochs())
    return {
        "MlpConfig": MlpConfig,
        "TrainingConfig": TrainingConfig,
        "build_network": build_network,
        "images": small_dataset.test.images[:3],
        "model": model,
        "open_context": open_context,
        "split": Split(Subset(small_dataset.train, np.arange(200)), three),
        "weights": trained.weights(),
    }


@pytest.mark.parametrize("module", [prediction, trainer, iterators], ids=lambda module: module.__name__)
def test_examples_run(module: ModuleType, names: dict[str, Any]) -> None:
    result = doctest.testmod(module, extraglobs=names)
    assert result.attempted > 0
    assert result.failed == 0
