"""Weights whose hashes are known, so that a change of what a trial computes is seen.

If one of these tests fails, trials of earlier versions can no longer be reproduced or resumed to the same bits.
"""

import numpy as np
import pytest

from cluster.machine.processor import read_processor
from mnist_core.config import Initializer, LenetConfig, MlpConfig, ModelConfig, MultitaskConfig, TrainingConfig
from mnist_core.context import open_context
from mnist_core.data.dataset import Dataset, split
from mnist_core.model.networks import build_network
from mnist_core.model.parameters import Layout, initial_weights, weights_sha256
from mnist_core.training.trainer import Trainer

MODELS: dict[str, ModelConfig] = {"mlp": MlpConfig(), "lenet": LenetConfig(), "multitask": MultitaskConfig()}

INITIAL: dict[tuple[str, Initializer], str] = {
    ("mlp", "uniform"): "858e6b14f5669cbaa275d4cecd4533223653fc19645ce5941dd4c7f28b050c75",
    ("mlp", "normal"): "6ae09582100e2c21c6733a0bbb82c9c629263bb9211728b4e112e17d8422db62",
    ("mlp", "xavier"): "dae0c67917df169f9024f28d6d564f8ea92002842537cf38ae3a9e346cd36e23",
    ("lenet", "uniform"): "a33b29e958d6bf4fedface56042c73bfe17ed14facb4c454fb4abec9808b538d",
    ("lenet", "normal"): "c754724e7b70a3a96c07c86f8818ccfc59acb3e0b431822d1717a3407ee778ad",
    ("lenet", "xavier"): "edce65aa98661933103c3466ad408ae5b7d21ef07ad8c011921d0f748edef519",
    ("multitask", "uniform"): "a7f99e3f744a9155813badd6bce0eb216e22658b65054e68ab026aff6e6c5a84",
    ("multitask", "normal"): "ce88e207973045c64179e2013cdd08a724927998b9e1748fa79c1e15da838f2d",
    ("multitask", "xavier"): "91e46d359e11e18569a229d530f2f383df922e487202c41e92e51d8fe6f775dc",
}

# oneDNN and numpy sum in another order on other processors: as tests/jobs/study/test_older_run.py decides.
PROCESSOR = "AMD EPYC with avx512f"
TRAINED: dict[str, str] = {
    "mlp": "32fb4077cb7aa2bb68fd0eaf05e456c87de45070be29d6e5e18391f2f37315f7",
    "lenet": "ea5c4894c23bbdfad32b7c2b2b0109e3dd7d96140be27bf0cb75188e6651c4f6",
    "multitask": "d8a6717f23c98d7ba5942b2df667d2aec84c8eb6ff71865d610818aefc66ae5f",
}


@pytest.mark.parametrize(("kind", "initializer"), INITIAL)
def test_initial_weights_are_those_of_earlier_versions(kind: str, initializer: Initializer) -> None:
    layout = Layout.of(build_network(MODELS[kind]).parameter_shapes())
    assert weights_sha256(initial_weights(layout, initializer, seed=7)) == INITIAL[kind, initializer]


@pytest.mark.skipif(read_processor() != PROCESSOR, reason="these hashes are of another processor")
@pytest.mark.parametrize("kind", MODELS)
def test_trained_weights_are_those_of_earlier_versions(kind: str, small_dataset: Dataset) -> None:
    config = TrainingConfig(epochs=2, batch_size=30, momentum=0.9, weight_decay=1e-4, learning_rate=0.05)
    model = MODELS[kind].model_copy(update={"initializer": "xavier"})
    trainer = Trainer(model, config, split(small_dataset, 56, seed=7), 7, open_context("cpu"))
    list(trainer.epochs())
    assert np.isfinite(trainer.weights()).all()
    assert weights_sha256(trainer.weights()) == TRAINED[kind]
