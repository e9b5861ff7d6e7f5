"""`mxtrials show` says what to change in a study with a fault, and nothing about a healthy one."""

import json
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data.dataset import Dataset, LabelledImages
from tests.support.command_line import CommandLine
from tests.support.small_images import write_idx_files

BASE = """
name: checked
model: {kind: mlp, hidden: [16], initializer: xavier}
training: {epochs: 2, batch_size: 20}
"""
STUDIES = {
    # With this decay, a learning rate above 2 multiplies every weight by less than -1 at each step.
    "diverged": """
training: {epochs: 2, batch_size: 20, weight_decay: 1.0}
search: {space: {training.learning_rate: {choices: [0.02, 0.05, 0.1, 20.0, 50.0]}}, sampler: {kind: grid}}
""",
    "best-on-bound": """
search: {space: {training.learning_rate: {choices: [0.0001, 0.001, 0.01, 0.1]}}, sampler: {kind: grid}}
""",
    "stuck": """
model: {kind: lenet, filters: [4, 4], hidden: 16}
""",
    "prunable": """
training: {epochs: 6, batch_size: 20}
search: {space: {training.learning_rate: {choices: [0.1, 0.0001, 0.0002, 0.0003]}}, sampler: {kind: grid}}
""",
    "healthy": """
training: {epochs: 2, batch_size: 20, learning_rate: 0.1}
""",
}
SENTENCES = {
    "diverged": "2 of 5 trials (40 %) diverged, trials 3 and 4, all with training.learning_rate of 20 or more: "
    "leave out the choices of search.space.training.learning_rate from 20 on",
    "best-on-bound": "the best trial, 3, has training.learning_rate 0.1, the largest of its choices: add a larger "
    "choice",
    "stuck": "lenet trial 0 reads the same digit in every image",
    "prunable": "the pruner asha would have saved 15 of 24 epochs (62.5 %) and kept the best trials: set "
    "search.pruner.kind to asha",
}


def written(tmp_path: Path, study: str) -> Path:
    keys = {line.split(":")[0] for line in study.strip().splitlines()}
    kept = [line for line in BASE.strip().splitlines() if line.split(":")[0] not in keys]
    path = tmp_path / "study.yaml"
    path.write_text("\n".join([*kept, study.strip()]) + "\n")
    return path


@pytest.mark.parametrize("name", [name for name in STUDIES if name != "healthy"])
def test_real_study_with_a_fault_shows_its_sentence(
    name: str, mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    done = mxtrials("run", written(tmp_path, STUDIES[name]), "--out", "run", "--quiet", *small)
    assert done.returncode == 0, done.stderr

    lines = mxtrials("show", "run").stdout.splitlines()
    document = json.loads(mxtrials("show", "run", "--json").stdout)

    assert [line for line in lines if line.startswith(f"warning  {SENTENCES[name]}")], lines
    (found,) = [finding for finding in document["health"] if finding["name"] == name]
    assert f"{found['sentence']}: {found['remedy']}".startswith(SENTENCES[name])


def test_healthy_study_shows_no_sentence(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> None:
    assert mxtrials("run", written(tmp_path, STUDIES["healthy"]), "--out", "run", "--quiet", *small).returncode == 0

    shown = mxtrials("show", "run").stdout

    assert "warning" not in shown
    assert "note" not in shown
    assert json.loads(mxtrials("show", "run", "--json").stdout)["health"] == []


def test_images_with_pixels_in_0_to_1_show_their_sentence(
    mxtrials: CommandLine, small_dataset: Dataset, tmp_path: Path
) -> None:
    def dimmed(part: LabelledImages) -> LabelledImages:
        return LabelledImages((part.images > 127).astype(np.uint8), part.labels)

    folder = tmp_path / "dim"
    folder.mkdir()
    write_idx_files(Dataset(dimmed(small_dataset.train), dimmed(small_dataset.test), ""), folder)
    spec = written(tmp_path, STUDIES["healthy"])
    options = ("--set", f"data.source={folder}", "--set", "data.holdout=56", "--local", "--quiet")
    assert mxtrials("run", spec, "--out", "run", *options).returncode == 0

    assert (
        "warning  the pixels of the images are in 0..1, not in 0..255: multiply them by 255"
        in mxtrials("show", "run").stdout
    )
