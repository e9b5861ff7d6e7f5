"""`mxtrials predict` with files, folders and standard input, some of which are no images."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_core.data.dataset import Dataset
from tests.support.command_line import CommandLine, assert_one_line_error, command


@pytest.fixture
def run_dir(mxtrials: CommandLine, small: list[str], tmp_path: Path) -> Path:
    """A finished study of one trial."""
    out = tmp_path / "run"
    assert mxtrials("run", "smoke", *small, "--trials", "1", "--quiet", "--out", out).returncode == 0
    return out


@pytest.fixture
def photos(small_dataset: Dataset, tmp_path: Path) -> Path:
    """A folder with the images a.png and b.png, and a text file."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(("b.png", "a.png")):
        Image.fromarray(small_dataset.test.images[number]).save(folder / name)
    (folder / "notes.txt").write_text("not an image")
    return folder


def test_folder_stands_for_the_images_in_it(run_dir: Path, photos: Path, mxtrials: CommandLine) -> None:
    done = mxtrials("predict", run_dir, "photos", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert [seen["image"] for seen in json.loads(done.stdout)] == ["photos/a.png", "photos/b.png"]


def test_folder_without_images_is_rejected(run_dir: Path, tmp_path: Path, mxtrials: CommandLine) -> None:
    (tmp_path / "empty").mkdir()
    assert_one_line_error(mxtrials("predict", run_dir, "empty"), 2, "empty is a folder without images")


def test_dash_reads_standard_input(run_dir: Path, photos: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command("predict", run_dir, "-", photos / "b.png", "--json"),
        input=(photos / "b.png").read_bytes(),
        env=environment,
        capture_output=True,
        timeout=120,
        check=True,
    )
    first, second = json.loads(done.stdout)
    assert first.pop("image") == "-"
    assert second.pop("image") == str(photos / "b.png")
    assert first == second


def test_table_has_the_three_most_probable_digits(run_dir: Path, photos: Path, mxtrials: CommandLine) -> None:
    (seen,) = json.loads(mxtrials("predict", run_dir, "photos/a.png", "--json").stdout)
    best = sorted(range(10), key=lambda digit: -seen["probabilities"][digit])[:3]
    _, row = mxtrials("predict", run_dir, "photos/a.png").stdout.splitlines()
    first, second, third = (f"{seen['probabilities'][digit]:.3f}" for digit in best)
    assert row.split() == [
        "photos/a.png",
        str(best[0]),
        first,
        str(best[1]),
        f"({second}),",
        str(best[2]),
        f"({third})",
    ]


def test_second_digit_is_warned_of(run_dir: Path, photos: Path, mxtrials: CommandLine) -> None:
    page = np.zeros((60, 120), np.uint8)
    for left, name in ((10, "a.png"), (70, "b.png")):
        page[16:44, left : left + 28] = np.asarray(Image.open(photos / name))
    Image.fromarray(page).save(photos / "two.png")
    done = mxtrials("predict", run_dir, "photos/two.png", "--json")
    assert done.returncode == 0
    assert (
        done.stderr
        == "mxtrials: warning: photos/two.png shows 2 shapes that may be digits: only the largest was read\n"
    )
    (seen,) = json.loads(done.stdout)
    assert seen["warning"] == "shows 2 shapes that may be digits: only the largest was read"
