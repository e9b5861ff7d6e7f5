"""Makes the events that TensorBoard shows: scalars under their tags, images, texts. Writes nothing."""

import time
from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np

from cluster.results.pictures import Picture
from mnist_core.data.dataset import FloatArray
from mnist_core.lean_import import hidden_packages

with hidden_packages("torch"):  # tensorboardX imports it to accept tensors, which takes a second
    from tensorboardX.proto.attr_value_pb2 import AttrValue
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.graph_pb2 import GraphDef
    from tensorboardX.proto.layout_pb2 import Category, Chart, Layout, MultilineChartContent
    from tensorboardX.proto.node_def_pb2 import NodeDef
    from tensorboardX.proto.plugin_pr_curve_pb2 import PrCurvePluginData
    from tensorboardX.proto.plugin_text_pb2 import TextPluginData
    from tensorboardX.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
    from tensorboardX.proto.tensor_pb2 import TensorProto
    from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboardX.proto.versions_pb2 import VersionDef

__all__ = [
    "AttrValue",
    "Event",
    "GraphDef",
    "NodeDef",
    "PrCurvePluginData",
    "Summary",
    "SummaryMetadata",
    "TensorProto",
    "TensorShapeProto",
    "VersionDef",
    "custom_scalars",
    "event",
    "histogram",
    "image",
    "scalars",
    "tag_of",
    "tensor",
    "text",
]

HISTOGRAM_BINS = 50
LEARNING_RATE_TAG = "schedule/learning_rate"


def event(values: Iterable[Summary.Value], step: int = 0, wall_time_s: float | None = None) -> Event:
    """Returns an event with some summaries, of this moment unless a time is given."""
    return Event(
        wall_time=time.time() if wall_time_s is None else wall_time_s, step=step, summary=Summary(value=values)
    )


def scalars(metrics: Mapping[str, float]) -> list[Summary.Value]:
    """Returns the charts' points for some metrics."""
    return [Summary.Value(tag=tag_of(name), simple_value=value) for name, value in metrics.items()]


@lru_cache(maxsize=256)
def tag_of(metric: str) -> str:
    """Returns the tag of a metric: TensorBoard opens the first two groups of tags by alphabet, `accuracy` and `loss`.

    Example:
        >>> tag_of("val/accuracy"), tag_of("val/parity_accuracy"), tag_of("perf/samples_per_second")
        ('accuracy/val', 'accuracy/parity', 'perf/samples_per_second')
    """
    images, _, quantity = metric.partition("/")
    if images not in ("train", "val"):
        return metric
    head, _, what = quantity.rpartition("_")
    return f"{what}/{head or images}"


def image(tag: str, picture: Picture) -> Summary.Value:
    """Returns an image."""
    encoded = Summary.Image(height=picture.height, width=picture.width, colorspace=3, encoded_image_string=picture.png)
    return Summary.Value(tag=tag, image=encoded)


def histogram(tag: str, values: FloatArray) -> Summary.Value:
    """Returns the distribution of some finite values."""
    counts, edges = np.histogram(values, bins=HISTOGRAM_BINS)
    flat = values.ravel().astype(np.float64)
    content = HistogramProto(
        min=flat.min(),
        max=flat.max(),
        num=len(flat),
        sum=flat.sum(),
        sum_squares=flat @ flat,
        # Each bucket is named by its upper end, so an empty one marks where the first begins.
        bucket_limit=edges,
        bucket=[0, *counts],
    )
    return Summary.Value(tag=tag, histo=content)


def text(tag: str, markdown: str) -> Summary.Value:
    """Returns a text for the Text page, which shows Markdown."""
    content = TensorProto(dtype="DT_STRING", string_val=[markdown.encode()], tensor_shape=TensorShapeProto())
    return tensor(tag, "text", content, TextPluginData(version=0).SerializeToString())


def custom_scalars(charts: Mapping[str, Mapping[str, Iterable[str]]]) -> Summary.Value:
    """Returns the layout of the Custom Scalars page: category -> title of a chart -> patterns of its tags."""
    layout = Layout(
        category=[
            Category(
                title=category,
                chart=[Chart(title=title, multiline=MultilineChartContent(tag=tags)) for title, tags in inner.items()],
            )
            for category, inner in charts.items()
        ]
    )
    content = TensorProto(dtype="DT_STRING", string_val=[layout.SerializeToString()], tensor_shape=TensorShapeProto())
    return tensor("custom_scalars__config__", "custom_scalars", content)


def tensor(tag: str, plugin: str, content: TensorProto, plugin_content: bytes = b"") -> Summary.Value:
    """Returns a value for one of TensorBoard's plugins."""
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=plugin_content))
    return Summary.Value(tag=tag, tensor=content, metadata=metadata)
