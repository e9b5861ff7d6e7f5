"""`mxtrials evaluate` as people see it."""

import io
from typing import Literal

from rich.console import Console

from jobs.terminal.results import draw_scores
from mnist_core.config import MultitaskConfig, TrainingConfig
from mnist_core.model.metrics import Scores
from mnist_core.model.saved_model import ModelCard

DIGITS = tuple(
    tuple(1000 if label == seen else 7 * ((label, seen) == (4, 9)) for seen in range(10)) for label in range(10)
)
SCORES = Scores(0.0268, 0.98, {"digit": 0.99, "parity": 0.97}, {"digit": DIGITS, "parity": ((50, 0), (10, 0))})
CARD = ModelCard(
    trial=3,
    model=MultitaskConfig(),
    training=TrainingConfig(),
    params={},
    metrics={},
    test=None,
    classes={"digit": tuple("0123456789"), "parity": ("even", "odd")},
    weights_sha256="",
    data_fingerprint="",
)
PICTURE = """\
multitask of trial 3 on 10,007 test images
loss             0.0268
accuracy         0.9800
digit_accuracy   0.9900
parity_accuracy  0.9700

digit: rows are labels, columns predictions, recall and precision are in %
"""


def drawn(width: int, has_colour: bool = False) -> list[str]:
    colours: Literal["standard"] | None = "standard" if has_colour else None
    console = Console(file=io.StringIO(), width=width, force_terminal=has_colour, color_system=colours)
    draw_scores(CARD, SCORES, console)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_scores_say_of_which_model_and_how_many_images() -> None:
    assert "\n".join([*drawn(100)[:7], ""]) == PICTURE


def test_confusion_matrices_have_recall_precision_and_the_most_frequent_mistakes() -> None:
    lines = drawn(100)
    assert lines[7].split() == ["digit", *"0123456789", "recall"]
    assert lines[12].split() == ["4", ".", ".", ".", ".", "1000", ".", ".", ".", ".", "7", "99.3"]
    assert lines[18].split() == ["precision", *["100"] * 9, "99.3"]
    assert lines[19] == "most often wrong: 4 as 9 (7)"
    parity = lines[21:]
    assert [line.split() for line in parity[1:]] == [
        ["parity", "even", "odd", "recall"],
        ["even", "50", ".", "100"],
        ["odd", "10", "0", "0.0"],
        ["precision", "83.3"],
        ["most", "often", "wrong:", "odd", "as", "even", "(10)"],
    ]


def test_scores_fit_a_terminal_of_80_columns() -> None:
    assert all(len(line) <= 80 for line in drawn(80))
    assert not [line for line in drawn(80) if "…" in line]
    assert len(drawn(80)) == len(drawn(200))


def test_mistakes_stand_out_in_colour() -> None:
    (row,) = [line for line in drawn(100, has_colour=True) if line.startswith("4 ")]
    assert "\x1b[1;31m" in row
