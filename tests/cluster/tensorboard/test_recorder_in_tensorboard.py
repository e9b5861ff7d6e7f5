"""A real TensorBoard, queried over HTTP, shows a study while it is recorded."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest

from cluster.driver.observer import TrialEnded, TrialMeasured
from cluster.run_dir.paths import RunDir
from cluster.spec.space import Params
from cluster.tensorboard.recorder import Recorder
from cluster.trial import TrialState
from mnist_core.config import MultitaskConfig
from mnist_core.data.dataset import Dataset
from mnist_core.measurement import ConfusionMatrix, Measurement
from mnist_core.model.networks import build_network
from tests.support.records import started
from tests.support.tensorboard_client import TensorboardClient, running_tensorboard

OBJECTIVE = "val/accuracy"
CONFUSION: ConfusionMatrix = tuple(tuple(90 if row == column else 1 for column in range(10)) for row in range(10))
PARAMS: list[Params] = [
    {"training.learning_rate": 0.25, "model.hidden": [128, 64], "training.schedule": {"kind": "cosine"}},
    {"training.learning_rate": 0.5, "model.hidden": [32], "training.schedule": None},
    {"training.learning_rate": math.nan, "model.hidden": [], "training.schedule": "constant"},
]
ACCURACIES = [[0.5, 0.75, 0.875], [0.25], [0.125, math.nan]]
STATES = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]


class RecordedStudy(NamedTuple):
    """The recorder of a running study, and a TensorBoard that was started before its first event."""

    recorder: Recorder
    tensorboard: TensorboardClient


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, small_dataset: Dataset) -> Iterator[RecordedStudy]:
    folder = tmp_path_factory.mktemp("study")
    run_dir = RunDir.create(folder / "run")
    run_dir.tensorboard.mkdir()
    recorder = Recorder(run_dir, OBJECTIVE)
    with running_tensorboard(run_dir.tensorboard, folder / "tensorboard.log") as tensorboard:
        for number in range(3):
            record_trial(recorder, number)
        recorder.write_graph(0, build_network(MultitaskConfig()).symbol.tojson())
        images, labels = small_dataset.test.images[:10], small_dataset.test.labels[:10]
        recorder.write_first_images(images, labels)
        recorder.write_predictions(0, images, labels, (labels + 1) % 10, np.full(10, 0.5))
        yield RecordedStudy(recorder, tensorboard)


def test_scalars_are_shown_at_their_epochs(study: RecordedStudy) -> None:
    points = study.tensorboard.eventually(
        lambda client: client.scalars("trial-0000", OBJECTIVE), lambda points: len(points) == 3
    )

    assert points == [(1, 0.5), (2, 0.75), (3, 0.875)]


def test_measurement_of_a_running_trial_is_shown(study: RecordedStudy) -> None:
    study.recorder.notify(started(7, "mlp", PARAMS[0], "worker-0"))
    for steps in ([1], [1, 2]):
        study.recorder.notify(TrialMeasured(7, Measurement(steps[-1], {OBJECTIVE: 0.5}, 1.0)))
        study.tensorboard.eventually(seventh_steps, steps.__eq__)

    assert study.tensorboard.hparams()["trial-0007"].status == "STATUS_UNKNOWN"


def test_confusion_matrix_is_shown_after_ten_seconds_of_training_and_at_the_end(study: RecordedStudy) -> None:
    samples = study.tensorboard.eventually(
        lambda client: client.images("trial-0000", "confusion/digit"), lambda samples: len(samples) == 2
    )

    assert [step for step, _ in samples] == [2, 3]
    assert all(png.startswith(b"\x89PNG") for _, png in samples)


@pytest.mark.parametrize(("run", "tag"), [("study", "samples/first_images"), ("trial-0000", "samples/predictions")])
def test_sample_images_are_shown(study: RecordedStudy, run: str, tag: str) -> None:
    samples = study.tensorboard.eventually(lambda client: client.images(run, tag), lambda samples: len(samples) == 1)

    assert samples[0][1].startswith(b"\x89PNG")


def test_network_is_shown_as_a_graph(study: RecordedStudy) -> None:
    graph = study.tensorboard.eventually(lambda client: client.graph("trial-0000"), bool)

    assert 'name: "softmaxparity"' in graph
    assert 'op: "FullyConnected"' in graph
    assert 'input: "fc3parity"' in graph


def test_hparams_page_has_a_column_for_each_param_and_the_objective(study: RecordedStudy) -> None:
    experiment = study.tensorboard.eventually(
        lambda client: client.experiment(), lambda answer: "hparamInfos" in answer
    )

    assert {column["name"] for column in experiment["hparamInfos"]} == {"model", *PARAMS[0]}
    assert [metric["name"]["tag"] for metric in experiment["metricInfos"]] == [OBJECTIVE]


def test_hparams_page_has_a_row_for_each_trial_with_its_params_and_objective(study: RecordedStudy) -> None:
    names = {f"trial-{number:04d}" for number in range(3)}
    rows = study.tensorboard.eventually(
        lambda client: client.hparams(),
        lambda rows: names <= {name for name, row in rows.items() if row.metrics and row.status != "STATUS_UNKNOWN"},
    )

    first, pruned, failed = (rows[name] for name in sorted(names))
    assert first.hparams == {
        "model": "mlp",
        "training.learning_rate": 0.25,
        "model.hidden": "128-64",
        "training.schedule": "cosine",
    }
    assert (first.metrics, first.status) == ({OBJECTIVE: 0.875}, "STATUS_SUCCESS")
    assert pruned.hparams == {"model": "mlp", "training.learning_rate": 0.5, "model.hidden": "32"}
    assert (pruned.metrics, pruned.status) == ({OBJECTIVE: 0.25}, "STATUS_SUCCESS")
    assert failed.hparams["training.schedule"] == "constant"
    assert failed.status == "STATUS_FAILURE"


def seventh_steps(client: TensorboardClient) -> list[int]:
    """The epochs of trial 7 that are shown."""
    return [step for step, _ in client.scalars("trial-0007", OBJECTIVE)]


def record_trial(recorder: Recorder, number: int) -> None:
    """Records a whole trial with the events that a driver sends."""
    recorder.notify(started(number, "mlp", PARAMS[number], "worker-0"))
    for epoch, accuracy in enumerate(ACCURACIES[number], start=1):
        recorder.notify(
            TrialMeasured(number, Measurement(epoch, {OBJECTIVE: accuracy}, 6.0 * epoch, {"digit": CONFUSION}))
        )
    recorder.notify(TrialEnded(number, STATES[number], ACCURACIES[number][-1], None))
