"""Images that cannot be read, among others that can."""

import json
from pathlib import Path

from PIL import Image

from mnist_core.data.dataset import Dataset
from tests.faults.kit.matrix import fault
from tests.support.command_line import CommandLine


@fault(
    "Disks and files",
    "some of the images given to `predict` are missing, damaged, blank, or of a format that is not read",
    seen="one line for each, naming the file; the others get their answers; exit code 2",
    cost="nothing",
)
def test_bad_images_do_not_stop_the_others(
    started_run: Path, mxtrials: CommandLine, small_dataset: Dataset, tmp_path: Path
) -> None:
    Image.fromarray(small_dataset.test.images[0]).save(tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:90])
    (tmp_path / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    Image.new("L", (90, 90), 240).save(tmp_path / "blank.png")
    done = mxtrials("predict", started_run, "no.png", "cut.png", "good.png", "photo.heic", "blank.png", "--json")
    assert done.returncode == 2
    seen = json.loads(done.stdout)
    assert [image["image"] for image in seen] == ["no.png", "cut.png", "good.png", "photo.heic", "blank.png"]
    assert ["digit" in image for image in seen] == [False, False, True, False, False]
    *errors, last = done.stderr.splitlines()
    assert [error.split()[1] for error in errors] == ["no.png", "cut.png", "photo.heic", "blank.png"]
    assert [f"mxtrials: {image['error']}" for image in seen if "error" in image] == errors
    assert last == "mxtrials: 4 of 5 images could not be read: see above"
