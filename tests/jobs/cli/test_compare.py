"""`mxtrials compare` on two real studies, in the terminal and as JSON."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.support.command_line import CommandLine, assert_one_line_error

STUDY = """
name: {name}
model: {{kind: mlp, hidden: [{width}], initializer: xavier}}
training: {{epochs: 2, batch_size: 20}}
search: {{space: {{training.learning_rate: {{choices: [0.1, 0.001]}}}}, sampler: {{kind: grid}}}}
"""


@pytest.fixture
def runs(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> list[Path]:
    """Two studies that differ in the width of their network, on the same 56 validation and 128 test images."""
    for name, width in (("narrow", 4), ("wide", 64)):
        spec = tmp_path / f"{name}.yaml"
        spec.write_text(STUDY.format(name=name, width=width))
        done = mxtrials("run", spec, "--out", name, "--quiet", *small)
        assert done.returncode == 0, done.stderr
    return [tmp_path / "narrow", tmp_path / "wide"]


def right(run: Path) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Returns which test images the best trial of a study reads right, from its table of predictions."""
    table = pq.ParquetFile(run / "predictions.parquet").read()
    digits = np.stack([np.asarray(table[f"digit_{digit}"]) for digit in range(10)], axis=1)
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = digits.argmax(axis=1) == np.asarray(table["label"])
    return found


def test_two_real_studies_are_compared_by_their_trials_and_predictions(mxtrials: CommandLine, runs: list[Path]) -> None:
    document = json.loads(mxtrials("compare", *runs, "--json").stdout)
    narrow, wide = map(right, runs)

    (compared,) = document["comparisons"]
    best = compared["best"]
    assert best["method"] == "mcnemar"
    assert best["second"]["only_right"] == int((wide & ~narrow).sum())
    assert best["first"]["only_right"] == int((narrow & ~wide).sum())
    assert best["difference"] == pytest.approx(wide.mean() - narrow.mean())
    assert best["low"] < best["difference"] < best["high"]
    assert [(pair["first"]["trial"], pair["second"]["trial"]) for pair in compared["trials"]] == [(0, 0), (1, 1)]
    assert {pair["method"] for pair in compared["trials"]} == {"two-proportion"}
    assert document["spec"]["model.hidden"] == {"narrow": "4", "wide": "64"}

    shown = mxtrials("compare", *runs, "--html", "page.html").stdout
    assert best["sentence"] in shown
    assert compared["sentence"] in shown
    assert (runs[0].parent / "page.html").read_text().startswith("<!DOCTYPE html>")


def test_what_cannot_be_compared_is_one_sentence(mxtrials: CommandLine, tmp_path: Path) -> None:
    assert_one_line_error(mxtrials("compare", "only"), 2, "at least two")
    assert_one_line_error(mxtrials("compare", "here", "there"), 2, "here", "no such folder")
    assert_one_line_error(mxtrials("compare", "here", tmp_path / "here"), 2, "more than once")
