"""TensorBoard in a headless browser at 1366 x 768: what opens by itself, and whether it is legible."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from cluster.driver.observer import TrialEnded, TrialMeasured, TrialStarted
from cluster.run_dir.paths import RunDir
from cluster.spec.space import Params
from cluster.spec.study_spec import OBJECTIVES, StudySpec
from cluster.tensorboard.recorder import Recorder
from cluster.trial import TrialSpec, TrialState
from mnist_core.data.dataset import Dataset
from mnist_core.measurement import ConfusionMatrix, Measurement
from tests.cluster.tensorboard.best_network import NETWORK, PREDICTIONS
from tests.support.tensorboard_client import TensorboardClient, running_tensorboard

pytestmark = pytest.mark.slow

KINDS = ("mlp", "lenet", "multitask")
CHOICES = {"choices": [{"kind": kind} for kind in KINDS]}
SPACE = {"model": CHOICES, "training.learning_rate": {"low": 0.01, "high": 1.0}}
SPEC = StudySpec.model_validate({"name": "study", "search": {"space": SPACE, "objective": "val/digit_accuracy"}})
CONFUSION: ConfusionMatrix = tuple(tuple(90 if row == column else 1 for column in range(10)) for row in range(10))
STATES = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.COMPLETE)
TIMEOUT_MS = 60_000.0


class Shown(NamedTuple):
    """A page of the browser, and the address of the TensorBoard that it shows."""

    page: Page
    url: str

    def open(self, plugin: str) -> Page:
        """Opens one of TensorBoard's pages."""
        self.page.goto("about:blank")  # a change of the fragment alone changes nothing
        self.page.goto(f"{self.url}/#{plugin}")
        return self.page


@pytest.fixture(scope="module")
def shown(browser: Browser, tmp_path_factory: pytest.TempPathFactory, small_dataset: Dataset) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("shown")
    run_dir = RunDir.create(folder / "run")
    recorder = Recorder(run_dir, SPEC)
    recorder.study.open(small_dataset.train.images, small_dataset.train.labels)
    for number, kind in enumerate(KINDS):
        record(recorder, number, {"model": {"kind": kind}, "training.learning_rate": 0.25 * (number + 1)})
    recorder.close()
    with running_tensorboard(run_dir.tensorboard, folder / "log") as client:
        client.eventually(TensorboardClient.hparams, lambda rows: len(rows) == len(KINDS))
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(TIMEOUT_MS)
        expect.set_options(timeout=TIMEOUT_MS)
        yield Shown(page, client.url)
        page.close()


def record(recorder: Recorder, number: int, params: Params) -> None:
    """Records a trial of two epochs as the best of its network."""
    trial = TrialSpec.resolve(SPEC, number, params)
    names = ("train/loss", "train/accuracy", *OBJECTIVES[trial.model.kind], "perf/samples_per_second")
    metrics = dict.fromkeys(names, 0.5)
    measurements = [Measurement(epoch, metrics, 1.0 * epoch, {"digit": CONFUSION}) for epoch in (1, 2)]
    recorder.notify(TrialStarted(trial, "cpu-0"))
    for measurement in measurements:
        recorder.notify(TrialMeasured(number, measurement))
    recorder.notify(TrialEnded(number, STATES[number], 0.5, None))
    recorder.write_best(trial, measurements, NETWORK, PREDICTIONS)


def test_first_page_opens_with_the_charts_of_accuracy_and_loss(shown: Shown) -> None:
    page = shown.open("timeseries")
    expect(page.locator("card-view")).to_have_count(6)

    groups = page.locator(".card-group .group-title").all_inner_texts()
    assert groups == ["accuracy", "loss", "perf", "pictures", "schedule", "study", "trial", "weights"]


@pytest.mark.parametrize("plugin", ["images", "timeseries"])
def test_pictures_are_shown_pixel_by_pixel(plugin: str, shown: Shown) -> None:
    page = shown.open(plugin)
    if plugin == "timeseries":
        page.get_by_role("combobox", name="Filter tags").fill("pictures")
    pictures = page.locator("img:visible")
    expect(pictures.nth(3)).to_have_js_property("naturalWidth", 350)

    sizes = pictures.evaluate_all("all => all.map(i => [i.naturalWidth, i.naturalHeight, i.width, i.height])")
    assert [size for size in sizes if size[0]] == [[350, 215, 350, 215]] * len(sizes)


def test_hparams_shows_every_trial_and_tells_networks_and_states_apart(shown: Shown) -> None:
    page = shown.open("hparams")
    page.get_by_text("Parallel Coordinates View").click()
    plot = page.locator("tf-hparams-parallel-coords-plot")
    expect(plot.locator(".foreground path")).to_have_count(len(KINDS))

    labels = plot.locator("svg text").all_text_contents()
    assert {*KINDS, "complete", "pruned", "network", "state", "objective", "epochs", "seconds"} <= set(labels)
    right = plot.locator("svg").bounding_box()
    assert right is not None
    assert right["x"] + right["width"] <= 1366


def test_text_begins_with_the_leaderboard(shown: Shown) -> None:
    page = shown.open("text")
    expect(page.get_by_text("0000-mlp lr=0.25").nth(1)).to_be_visible()

    headings = page.locator("tf-card-heading .heading-label, tf-card-heading .heading").all_inner_texts()
    assert next(heading for heading in headings if "study/" in heading).startswith("study/leaderboard")


def test_network_is_drawn_with_its_layers(shown: Shown) -> None:
    page = shown.open("graphs")

    for layer in ("fc1", "fc2", "softmaxdigit", "softmaxparity"):
        expect(page.locator("svg text").get_by_text(layer, exact=True).first).to_be_attached()
