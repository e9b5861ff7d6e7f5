"""The nodes of the three networks, read from the symbol JSON that MXNet writes."""

import pytest

from cluster.results.network_graph import read_network
from mnist_core.config import LenetConfig, MlpConfig, ModelConfig, MultitaskConfig
from mnist_core.model.networks import build_network

MODELS = [MlpConfig(), LenetConfig(), MultitaskConfig()]


@pytest.mark.parametrize("config", MODELS, ids=lambda config: config.kind)
def test_every_node_of_a_network_is_read_once_after_its_inputs(config: ModelConfig) -> None:
    symbol = build_network(config).symbol

    nodes = read_network(symbol.tojson())

    assert len(nodes) == len(symbol.get_internals().list_outputs())
    seen: set[str] = set()
    for node in nodes:
        assert set(node.inputs) <= seen
        assert node.name not in seen
        seen.add(node.name)


def test_layer_has_its_operator_attributes_and_weights() -> None:
    nodes = {node.name: node for node in read_network(build_network(MlpConfig(hidden=(32,))).symbol.tojson())}

    assert nodes["fc1"].op == "FullyConnected"
    assert nodes["fc1"].attributes["num_hidden"] == "32"
    assert nodes["fc1"].inputs == ("flatten", "fc1/weight", "fc1/bias")
    assert nodes["fc1/weight"].op == "Variable"


def test_each_head_of_the_multitask_network_has_its_label() -> None:
    nodes = {node.name: node for node in read_network(build_network(MultitaskConfig()).symbol.tojson())}

    assert nodes["softmaxdigit"].inputs == ("fc3digit", "softmaxdigit/label")
    assert nodes["softmaxparity"].inputs == ("fc3parity", "softmaxparity/label")


def test_second_output_of_a_node_is_named_by_its_number() -> None:
    symbol_json = """{"nodes": [
        {"op": "null", "name": "data", "inputs": []},
        {"op": "SliceChannel", "name": "halves", "inputs": [[0, 0, 0]]},
        {"op": "Concat", "name": "joined", "inputs": [[1, 1, 0], [1, 0, 0]]}]}"""

    assert read_network(symbol_json)[2].inputs == ("halves:1", "halves")
