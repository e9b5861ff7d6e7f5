"""Draws the pictures of README.md and docs/tutorials.md from a run: `python -m tests.pictures_of_a_run RUN_DIR`.

Shows a run's report and a real TensorBoard over its files in a headless Chromium, as a reader sees them. `make
pictures` runs the quickstart study first.
"""

import argparse
import io
import math
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page
from rich.console import Console

from cluster.results.summary import read_summary
from cluster.run_dir.paths import RunDir
from jobs.report.page import write_report
from jobs.terminal.leaderboard import draw_files, draw_summary
from mnist_core.data.cache import default_cache_dir, open_dataset
from tests.support.browser import CHROMIUM, NO_CHROMIUM, open_browser, show
from tests.support.tensorboard_client import TensorboardClient, running_tensorboard

DOCS = Path(__file__).parents[1] / "docs"
MAX_BYTES = 120_000
COLOURS = 128
WIDTH, HEIGHT = 1200, 750  # of the window
NETWORK_HEIGHT = 840  # of what is shown of a network; the other mistakes look alike
DIGIT_SIDE = 112
TIMEOUT_MS = 60_000


def main() -> None:
    """Draws all pictures, and prints their sizes."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures_of_a_run", description=__doc__)
    parser.add_argument("run", type=Path, help="the run directory of a complete study")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder for the pictures; default: docs")
    arguments = parser.parse_args()
    if CHROMIUM is None:
        parser.error(NO_CHROMIUM)
    run = RunDir.open(arguments.run)
    (arguments.out / "quickstart.svg").write_text(leaderboard_svg(run))
    with open_browser() as browser:
        for name, png in (_of_the_report(browser, run) | _of_tensorboard(browser, run) | _of_the_data()).items():
            path = arguments.out / f"{name}.png"
            path.write_bytes(shrink(png))
            click.echo(f"{path}  {path.stat().st_size:,} bytes")
            assert path.stat().st_size <= MAX_BYTES, f"{path} is larger than {MAX_BYTES} bytes"


def leaderboard_svg(run: RunDir) -> str:
    """Returns what a terminal of 80 columns shows of a study, without the fonts that rich would fetch."""
    console = Console(file=io.StringIO(), record=True, width=80, force_terminal=True)
    summary = read_summary(run)
    draw_summary(summary, console)
    draw_files(summary, run, console)
    return re.sub(r" *@font-face {.*?}\n", "", console.export_svg(title="make run"), flags=re.DOTALL)


def shrink(png: bytes) -> bytes:
    """Returns a screenshot with a palette: MAXCOVERAGE keeps colours of few pixels, such as those of a legend."""
    with Image.open(io.BytesIO(png)) as image:
        few = image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return file.getvalue()


def _of_the_report(browser: Browser, run: RunDir) -> dict[str, bytes]:
    """The best network of a report, and what it has for the other plots of the notebooks."""
    write_report(run, is_over=True)
    with show(browser, run.report.absolute(), width=WIDTH) as shown:
        page = shown.page
        return {
            "report-curves": _part(page, "figure[id^=curves]"),
            "report": _part(page, "article.network", NETWORK_HEIGHT),
            "report-images": _part(page, "#images"),
        }


def _part(page: Page, selector: str, height: float = math.inf) -> bytes:
    """Takes a picture of an element in the full width of its page, but only to a height."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None, f"{selector} is not shown"
    clip = FloatRect(x=0, y=box["y"], width=WIDTH, height=min(box["height"], height))
    return page.screenshot(full_page=True, clip=clip)


def _of_tensorboard(browser: Browser, run: RunDir) -> dict[str, bytes]:
    """What TensorBoard opens with, beside its list of runs."""
    with TemporaryDirectory() as folder, running_tensorboard(run.tensorboard, Path(folder) / "log") as client:
        client.eventually(TensorboardClient.hparams, bool)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(client.url)
        page.locator("button", has_text="Settings").first.click()  # closes them
        page.get_by_text("Smoothed", exact=True).first.wait_for()
        page.wait_for_load_state("networkidle")
        return {"tensorboard": page.screenshot()}


def _of_the_data() -> dict[str, bytes]:
    """The first test image, which the commands of the pages predict."""
    image = open_dataset(cache_dir=default_cache_dir()).test.images[0]
    file = io.BytesIO()
    Image.fromarray(image).resize((DIGIT_SIDE, DIGIT_SIDE), Image.Resampling.NEAREST).save(file, "PNG")
    return {"digit": file.getvalue()}


if __name__ == "__main__":
    main()
