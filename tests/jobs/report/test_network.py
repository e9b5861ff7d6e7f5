"""A network is drawn as SVG: every layer with its shape and parameters, no two boxes on one place."""

import struct
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from jobs.report.network import draw_network, draw_network_file, drawing_format
from mnist_core.errors import InputError
from mnist_core.model.layers import Layer

LAYERS = (
    Layer("flatten", "Flatten", "", (), (784,), 0, 0),
    Layer("fc1", "FullyConnected", "", ("flatten",), (128,), 100480, 200704),
    Layer("left", "SoftmaxOutput", "", ("fc1",), (10,), 0, 0),
    Layer("right", "SoftmaxOutput", "", ("fc1",), (2,), 0, 0),
    Layer("sum", "add", "", ("flatten", "left"), (10,), 0, 0),
)
SVG = "{http://www.w3.org/2000/svg}"


def parsed(background: str | None = None) -> ElementTree.Element:
    return ElementTree.fromstring(draw_network(LAYERS, 'an "mlp" <of> ours', background=background))


def test_each_layer_is_named_with_its_operator_parameters_and_shape() -> None:
    texts = [text.strip() for text in parsed().itertext() if text.strip()]
    for expected in (
        "image",
        "fc1",
        "FullyConnected",
        "100,480 parameters",
        "1 x 28 x 28",
        "784",
        "128",
        "left",
        "right",
    ):
        assert expected in texts
    assert texts[0] == 'an "mlp" <of> ours'


def test_an_arrow_leads_to_each_layer_from_what_it_reads() -> None:
    assert len(parsed().findall(f"{SVG}line")) == 6


def test_boxes_do_not_overlap_and_lie_within_the_picture() -> None:
    picture = parsed()
    boxes = [
        tuple(float(box.attrib[key]) for key in ("x", "y", "width", "height")) for box in picture.findall(f"{SVG}rect")
    ]
    assert len(boxes) == 1 + len(LAYERS)
    for (x, y, width, height), (other_x, other_y, _, _) in combinations(boxes, 2):
        assert abs(x - other_x) >= width or abs(y - other_y) >= height
    for x, y, width, height in boxes:
        assert 0 < x < float(picture.attrib["width"]) - width
        assert 0 < y < float(picture.attrib["height"]) - height


def test_background_is_drawn_only_on_request() -> None:
    assert len(parsed("#ffffff").findall(f"{SVG}rect")) == 1 + len(parsed().findall(f"{SVG}rect"))


def test_png_is_drawn_at_twice_the_size_of_the_svg(tmp_path: Path) -> None:
    draw_network_file(LAYERS, "mlp", tmp_path / "mlp.png", "png")
    content = (tmp_path / "mlp.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    width, height = struct.unpack(">II", content[16:24])
    assert (width, height) == (2 * int(parsed().attrib["width"]), 2 * int(parsed().attrib["height"]))


def test_svg_file_is_the_drawing(tmp_path: Path) -> None:
    draw_network_file(LAYERS, "mlp", tmp_path / "mlp.svg", "svg")
    assert (tmp_path / "mlp.svg").read_text() == draw_network(LAYERS, "mlp")


def test_format_follows_from_the_name_of_the_file() -> None:
    assert [drawing_format(Path(name)) for name in ("a.svg", "b.PNG")] == ["svg", "png"]
    with pytest.raises(InputError, match=r"c\.gif must end in \.svg or \.png"):
        drawing_format(Path("c.gif"))
