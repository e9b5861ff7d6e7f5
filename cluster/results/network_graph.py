"""Reads a network from MXNet's symbol JSON, with names that a graph viewer can group. Imports no MXNet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GraphNode:
    """One operator or one input of a network.

    Attributes:
        name: unique; a variable that only one operator uses is nested below it: `fc1/weight` is `fc1_weight` of `fc1`.
        op: MXNet's operator, such as `FullyConnected`; `Variable` for a weight, a bias, an image or a label.
        inputs: names of nodes, with `:1` appended for a node's second output, and so on.
        attributes: MXNet's attributes, such as `num_hidden`.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, str]


def read_network(symbol_json: str) -> list[GraphNode]:
    """Returns the nodes of a network in MXNet's order, in which a node follows its inputs.

    Args:
        symbol_json: the result of `Symbol.tojson()`.
    """
    nodes: Sequence[Any] = json.loads(symbol_json)["nodes"]
    names = _names(nodes)
    return [
        GraphNode(
            names[index],
            "Variable" if node["op"] == "null" else node["op"],
            tuple(names[source] + (f":{output}" if output else "") for source, output, *_ in node["inputs"]),
            dict(node.get("attrs", {})),
        )
        for index, node in enumerate(nodes)
    ]


def _names(nodes: Sequence[Any]) -> list[str]:
    """Returns each node's name; a variable is nested below the operator that it is named after."""
    names = [str(node["name"]) for node in nodes]
    for user in nodes:
        prefix = f"{user['name']}_"
        for source, *_ in user["inputs"]:
            if nodes[source]["op"] == "null" and nodes[source]["name"].startswith(prefix):
                names[source] = f"{user['name']}/{nodes[source]['name'].removeprefix(prefix)}"
    return names
