"""Digits and sparklines small enough to stand in a page by the hundred."""

import io
from base64 import b64encode
from collections.abc import Sequence

from PIL import Image

from mnist_core.data.dataset import UInt8Array

SPARK_WIDTH, SPARK_HEIGHT = 64, 18
BAR_STEP, BAR_HEIGHT = 9, 30


def digit_data_uri(image: UInt8Array) -> str:
    """Returns an image, (28, 28) uint8 with 0 as background, as a PNG that is dark on light."""
    file = io.BytesIO()
    Image.fromarray(255 - image).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode()}"


def sparkline(values: Sequence[float | None], low: float, high: float) -> str:
    """Returns the path of a small line through values from `low` (the lower edge) to `high`; gaps are skipped.

    Example:
        >>> sparkline([0.0, 1.0], 0.0, 1.0)
        'M1 17L63 1'
    """
    points = [(index, value) for index, value in enumerate(values) if value is not None]
    step = (SPARK_WIDTH - 2) / max(len(values) - 1, 1)
    span = (high - low) or 1.0
    places = [
        f"{1 + index * step:.0f} {1 + (SPARK_HEIGHT - 2) * (1 - min(max((value - low) / span, 0.0), 1.0)):.0f}"
        for index, value in points
    ]
    if len(places) == 1:
        return f"M{places[0]}h2"
    return "M" + "L".join(places) if places else ""


def bars(shares: Sequence[float]) -> list[tuple[int, int, int]]:
    """Returns number, x and height of each bar that can be seen, in pixels of a picture `BAR_HEIGHT` high."""
    heights = [round(share * BAR_HEIGHT) for share in shares]
    return [(number, number * BAR_STEP, height) for number, height in enumerate(heights) if height]
