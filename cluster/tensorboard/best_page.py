"""Writes what only the best trial of each network has: pictures, the network, curves, histograms, an embedding."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cluster.results.network_graph import GraphNode, read_network
from cluster.results.pictures import confusion_picture, mistake_pictures
from cluster.tensorboard.pr_curves import pr_curve
from cluster.tensorboard.summaries import (
    AttrValue,
    Event,
    GraphDef,
    NodeDef,
    Summary,
    TensorShapeProto,
    VersionDef,
    event,
    histogram,
    image,
    text,
)
from mnist_core.config import CLASS_NAMES
from mnist_core.data.dataset import FloatArray, LabelledImages
from mnist_core.heads import DIGIT
from mnist_core.measurement import Measurement

if TYPE_CHECKING:  # imports MXNet
    from mnist_core.model.layers import Layer

MISTAKES = 36
# TensorBoard shows ten of them unless it is told to show more.
MOST_CONFUSIONS = 100


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network.

    Attributes:
        symbol_json: the result of `Symbol.tojson()`.
        layers: its layers, in the order of a forward pass.
        initial: parameter name -> its initial value.
        final: parameter name -> its final value.
    """

    symbol_json: str
    layers: "Sequence[Layer]"
    initial: Mapping[str, FloatArray]
    final: Mapping[str, FloatArray]


@dataclass(frozen=True)
class TestedImages:
    """What a network predicts for the test images.

    Attributes:
        images: the test images.
        digits: (n, 10) float32, the probabilities of the digits.
        features: (m, width) float32, the last hidden layer's outputs for the first m images.
    """

    images: LabelledImages
    digits: FloatArray
    features: FloatArray


def best_events(
    measurements: Sequence[Measurement], network: TrainedNetwork, predictions: TestedImages
) -> Iterator[Event]:
    """Yields the events of a trial that is the best of its network."""
    epochs = measurements[-1].epoch
    yield from confusion_events(measurements)
    yield event(_mistakes(predictions), epochs)
    yield event([text("trial/network", _layer_table(network.layers))], epochs)
    yield event(_pr_curves(predictions), epochs)
    for step, parameters in ((0, network.initial), (epochs, network.final)):
        yield event([histogram(f"weights/{name}", values) for name, values in parameters.items()], step)
    yield Event(wall_time=event([]).wall_time, graph_def=_graph(network).SerializeToString())


def confusion_events(measurements: Sequence[Measurement]) -> Iterator[Event]:
    """Yields the confusion matrices of each epoch, or of a hundred epochs if there are more."""
    for measurement in _spread(measurements, MOST_CONFUSIONS):
        matrices = measurement.confusion.items()
        pictures = [image(f"pictures/confusion_{head}", confusion_picture(counts, head)) for head, counts in matrices]
        yield event(pictures, measurement.epoch)


def _spread(measurements: Sequence[Measurement], most: int) -> Iterable[Measurement]:
    """Returns all measurements or, if there are too many, as many as allowed with the last one."""
    chosen = np.linspace(0, len(measurements) - 1, min(most, len(measurements))).round().astype(int)
    return [measurements[index] for index in chosen]


def _mistakes(predictions: TestedImages) -> list[Summary.Value]:
    """Returns the pictures of the misread digits, the surest mistakes first."""
    labels, guesses = predictions.images.labels, predictions.digits.argmax(axis=1)
    surety = predictions.digits.max(axis=1)
    wrong = np.flatnonzero(guesses != labels)
    worst = wrong[np.argsort(-surety[wrong], kind="stable")][:MISTAKES]
    pictures = mistake_pictures(predictions.images.images[worst], labels[worst], guesses[worst], surety[worst])
    return [image(f"pictures/worst_mistakes_{page}", picture) for page, picture in enumerate(pictures, start=1)]


def _pr_curves(predictions: TestedImages) -> list[Summary.Value]:
    labels = predictions.images.labels
    names = enumerate(CLASS_NAMES[DIGIT.name])
    return [pr_curve(f"digit/{name}", labels == digit, predictions.digits[:, digit]) for digit, name in names]


def _layer_table(layers: "Sequence[Layer]") -> str:
    lines = [
        f"| {layer.name} | {layer.op} {layer.setting} | {_sides(layer.shape)} | {layer.parameters:,} |"
        for layer in layers
    ]
    total = f"| | **all** | | **{sum(layer.parameters for layer in layers):,}** |"
    return "\n".join(["| layer | operator | output of one image | parameters |", "|---|---|---|---|", *lines, total])


def _sides(shape: Iterable[int]) -> str:
    return " x ".join(map(str, shape))


def _graph(network: TrainedNetwork) -> GraphDef:
    """Returns the network for the Graphs page, which writes the shapes beside the edges."""
    layers = {layer.name: layer for layer in network.layers}
    shapes = {layer.name: (-1, *layer.shape) for layer in network.layers}  # -1: any number of images
    shapes |= {name: values.shape for name, values in network.final.items()}
    image_shape = {"data": (-1, 1, 28, 28)}
    nodes = [_graph_node(node, layers, image_shape | shapes) for node in read_network(network.symbol_json)]
    return GraphDef(node=nodes, versions=VersionDef(producer=22))


def _graph_node(node: GraphNode, layers: "Mapping[str, Layer]", shapes: Mapping[str, tuple[int, ...]]) -> NodeDef:
    attributes = {key: AttrValue(s=value.encode()) for key, value in node.attributes.items()}
    if (layer := layers.get(node.name)) is not None and layer.parameters:
        attributes["parameters"] = AttrValue(s=f"{layer.parameters:,}".encode())
    # The shape of a batch's labels, which only training reads, is that of no layer.
    shape = shapes.get(node.name) or shapes.get(node.name.replace("/", "_")) or (-1,)
    listed = AttrValue.ListValue(shape=[TensorShapeProto(dim=[TensorShapeProto.Dim(size=side) for side in shape])])
    attributes["_output_shapes"] = AttrValue(list=listed)
    return NodeDef(name=node.name, op=node.op, input=node.inputs, attr=attributes)
