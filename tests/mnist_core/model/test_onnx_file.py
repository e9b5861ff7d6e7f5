"""A network as ONNX gives the probabilities that MXNet gives, in an independent runtime."""

import sys
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from mnist_core.config import Activation, LenetConfig, MlpConfig, ModelConfig, MultitaskConfig
from mnist_core.context import open_context
from mnist_core.data.dataset import Dataset
from mnist_core.errors import MissingLibrary
from mnist_core.model.networks import build_network
from mnist_core.model.onnx_file import onnx_model
from mnist_core.model.parameters import Layout, Vector, initial_weights
from mnist_core.model.prediction import Predictor

ACTIVATIONS: tuple[Activation, ...] = ("relu", "tanh", "sigmoid", "softrelu", "softsign")
NETWORKS: list[ModelConfig] = [
    MlpConfig(),
    LenetConfig(),
    MultitaskConfig(),
    *(LenetConfig(filters=(3, 17), hidden=20, activation=each) for each in ACTIVATIONS),
    *(MlpConfig(hidden=(30, 20, 10), activation=each) for each in ACTIVATIONS),
]
TOLERANCE = 1e-5


def weights_of(config: ModelConfig) -> Vector:
    """Weights with biases that are not zero, large enough for sure and unsure answers."""
    layout = Layout.of(build_network(config).parameter_shapes())
    drawn = initial_weights(layout, "xavier", seed=3)
    return layout.pack({name: value * 2 + np.float32(0.01) for name, value in layout.unpack(drawn).items()})


def session(content: bytes) -> Any:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("config", NETWORKS, ids=lambda config: f"{config.kind}-{config.activation}-{config.hidden}")
def test_probabilities_are_those_of_mxnet_for_any_number_of_images(
    config: ModelConfig, bundled_dataset: Dataset
) -> None:
    weights = weights_of(config)
    images = bundled_dataset.test.images[:200]
    predicted = Predictor(config, weights, open_context("cpu")).predict(images)
    pixels = images[:, None].astype(np.float32) / 255
    runtime = session(onnx_model(config, weights, {}))
    for count in (1, 7, 200):
        outputs = runtime.run(["digit"], {"data": pixels[:count]})[0]
        expected = np.array([each.probabilities for each in predicted[:count]])
        assert np.abs(outputs - expected).max() <= TOLERANCE


def test_each_head_is_an_output_with_its_name(bundled_dataset: Dataset) -> None:
    config = MultitaskConfig()
    weights = weights_of(config)
    image = bundled_dataset.test.images[:1]
    (seen,) = Predictor(config, weights, open_context("cpu")).predict(image)
    runtime = session(onnx_model(config, weights, {}))
    assert [output.name for output in runtime.get_outputs()] == ["digit", "parity"]
    (parity,) = runtime.run(["parity"], {"data": image[:, None].astype(np.float32) / 255})
    assert parity.max() == pytest.approx(seen.parity_probability, abs=TOLERANCE)
    assert ["even", "odd"][int(parity.argmax())] == seen.parity


def test_file_carries_its_properties_and_suits_runtimes_of_2021() -> None:
    config = MlpConfig(hidden=(4,))
    model = onnx.load_from_string(onnx_model(config, weights_of(config), {"trial": "3"}))
    assert {each.key: each.value for each in model.metadata_props} == {"trial": "3"}
    assert (model.ir_version, [each.version for each in model.opset_import]) == (8, [13])


def test_without_onnx_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    config = MlpConfig(hidden=(4,))
    with pytest.raises(MissingLibrary, match=r"pip install 'mxtrials\[onnx\]'"):
        onnx_model(config, weights_of(config), {})
