"""A real TensorBoard, queried over HTTP, shows a study while it is recorded."""

import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import NamedTuple

import pytest
from PIL import Image

from cluster.driver.observer import TrialEnded, TrialMeasured, TrialStarted
from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import OBJECTIVES, StudySpec
from cluster.tensorboard.recorder import Recorder
from cluster.trial import TrialState
from mnist_core.config import StepSchedule, TrainingConfig
from mnist_core.data.dataset import Dataset
from mnist_core.measurement import Measurement
from tests.cluster.tensorboard.best_network import NETWORK, PREDICTIONS
from tests.support.records import started
from tests.support.tensorboard_client import TensorboardClient, running_tensorboard

OBJECTIVE, TAG = "val/accuracy", "accuracy/val"
SPEC = StudySpec(name="study")
TEXTS = ("leaderboard", "reading_guide", "spec")
TRIAL = started(0).trial
CONFUSION = {"digit": tuple(tuple(90 if row == column else 1 for column in range(10)) for row in range(10))}
MEASUREMENTS = [Measurement(epoch, {OBJECTIVE: 0.5 * epoch}, 1.0 * epoch, CONFUSION) for epoch in (1, 2)]


class RecordedStudy(NamedTuple):
    """The recorder of a running study, and a TensorBoard that was started before its first event."""

    recorder: Recorder
    tensorboard: TensorboardClient


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, small_dataset: Dataset) -> Iterator[RecordedStudy]:
    folder = tmp_path_factory.mktemp("study")
    run_dir = RunDir.create(folder / "run")
    run_dir.tensorboard.mkdir()
    recorder = Recorder(run_dir, SPEC)
    with running_tensorboard(run_dir.tensorboard, folder / "tensorboard.log") as tensorboard:
        recorder.study.open(small_dataset.train.images, small_dataset.train.labels)
        recorder.notify(started(0))
        for measurement in MEASUREMENTS:
            recorder.notify(TrialMeasured(0, measurement))
        recorder.notify(TrialEnded(0, TrialState.COMPLETE, 1.0, None))
        recorder.write_best(TRIAL, MEASUREMENTS, NETWORK, PREDICTIONS)
        recorder.study.write_leaderboard({0: 0.75})
        yield RecordedStudy(recorder, tensorboard)


def test_scalars_are_shown_at_their_epochs(study: RecordedStudy) -> None:
    points = study.tensorboard.eventually(
        lambda client: client.scalars("0000-mlp", TAG), lambda points: len(points) == 2
    )

    assert points == [(1, 0.5), (2, 1.0)]


def test_accuracy_and_loss_are_the_first_groups_of_tags(study: RecordedStudy) -> None:
    study.recorder.notify(started(5, "multitask"))
    names = ("train/loss", "val/loss", "train/accuracy", *OBJECTIVES["multitask"], "perf/samples_per_second")
    study.recorder.notify(TrialMeasured(5, Measurement(1, dict.fromkeys(names, 0.5), 1.0)))
    tags = study.tensorboard.eventually(TensorboardClient.scalar_tags, lambda tags: "0005-multitask" in tags)

    assert sorted(tags["0005-multitask"]) == [
        *("accuracy/digit", "accuracy/parity", "accuracy/train", "accuracy/val", "loss/train", "loss/val"),
        *("perf/samples_per_second", "schedule/learning_rate"),
    ]
    groups = sorted({tag.partition("/")[0] for run in tags.values() for tag in run})
    assert groups[:2] == ["accuracy", "loss"]


def test_learning_rate_follows_the_schedule(study: RecordedStudy) -> None:
    training = TrainingConfig(epochs=4, learning_rate=0.5, schedule=StepSchedule(every_epochs=2, factor=0.5))
    study.recorder.notify(TrialStarted(replace(TRIAL, number=6, training=training), "cpu-0"))
    for epoch in range(1, 5):
        study.recorder.notify(TrialMeasured(6, Measurement(epoch, {OBJECTIVE: 0.5}, 1.0)))
    points = study.tensorboard.eventually(
        lambda client: client.scalars("0006-mlp", "schedule/learning_rate"), lambda points: len(points) == 4
    )

    assert points == [(1, 0.5), (2, 0.5), (3, 0.25), (4, 0.25)]


def test_measurement_of_a_running_trial_is_shown(study: RecordedStudy) -> None:
    study.recorder.notify(started(7))
    for steps in ([1], [1, 2]):
        study.recorder.notify(TrialMeasured(7, Measurement(steps[-1], {OBJECTIVE: 0.5}, 1.0)))
        study.tensorboard.eventually(seventh_steps, steps.__eq__)

    assert "0007-mlp" not in study.tensorboard.hparams()


def test_confusion_matrix_of_the_best_is_shown_for_each_epoch(study: RecordedStudy) -> None:
    samples = study.tensorboard.eventually(
        lambda client: client.images("0000-mlp", "pictures/confusion_digit"), lambda samples: len(samples) == 2
    )

    assert [step for step, _ in samples] == [1, 2]
    assert all(png.startswith(b"\x89PNG") for _, png in samples)


@pytest.mark.parametrize(
    ("run", "tag"), [("study", "pictures/first_images"), ("0000-mlp", "pictures/worst_mistakes_1")]
)
def test_pictures_are_shown(study: RecordedStudy, run: str, tag: str) -> None:
    samples = study.tensorboard.eventually(lambda client: client.images(run, tag), lambda samples: len(samples) == 1)

    assert samples[0][1].startswith(b"\x89PNG")


def test_network_is_shown_as_a_graph_with_shapes_and_parameter_counts(study: RecordedStudy) -> None:
    graph = study.tensorboard.eventually(lambda client: client.graph("0000-mlp"), bool)

    node = next(part for part in graph.split("node {") if 'name: "fc1"' in part)
    assert 'op: "FullyConnected"' in node
    assert 's: "12,560"' in node  # 16 x 784 weights and 16 biases
    assert re.findall(r"size: (-?\d+)", node) == ["-1", "16"]
    assert 'input: "fc3parity"' in graph


def test_curve_of_each_digit_is_shown(study: RecordedStudy) -> None:
    curves = study.tensorboard.eventually(
        lambda client: client.pr_curves("0000-mlp", "digit/3"), lambda curves: len(curves) == 1
    )

    assert curves[0]["step"] == 2
    assert curves[0]["true_positives"][0] == 20  # every image is a 3
    assert curves[0]["precision"][0] == 1
    assert curves[0]["recall"][-1] == 0.75  # five of them are read as a 5
    empty = study.tensorboard.pr_curves("0000-mlp", "digit/5")[0]
    assert (empty["true_positives"][0], empty["false_positives"][-1]) == (0, 1)


def test_weights_are_shown_before_and_after_training(study: RecordedStudy) -> None:
    histograms = study.tensorboard.eventually(
        lambda client: client.histograms("0000-mlp", "weights/fc1_weight"), lambda found: len(found) == 2
    )

    assert [step for step, _ in histograms] == [0, 2]
    for _, buckets in histograms:
        assert sum(count for _, _, count in buckets) == pytest.approx(16 * 784)
        assert -0.01 <= buckets[0][0] < buckets[-1][1] <= 0.01


def test_hidden_layer_is_shown_in_the_projector(study: RecordedStudy) -> None:
    runs = study.tensorboard.eventually(TensorboardClient.projector_runs, bool)

    assert runs == ["0000-mlp"]
    points, labels, sprite = study.tensorboard.embedding("0000-mlp", "last hidden layer")
    assert points.shape == (20, 8)
    assert (labels[0], len(labels)) == ("right\tread\tlabel", 21)
    assert (labels[1], labels[-1]) == ("no\t5\t3", "yes\t3\t3")
    assert Image.open(BytesIO(sprite)).size == (5 * 28, 5 * 28)


def test_study_shows_its_leaderboard_its_spec_and_reading_guide_it(study: RecordedStudy) -> None:
    texts = study.tensorboard.eventually(
        lambda client: {name: "".join(client.texts("study", f"study/{name}")) for name in TEXTS},
        lambda texts: "0.7500" in texts["leaderboard"],  # the last one, with the test score
    )

    assert "<td>0000-mlp</td>\n<td>1.0000</td>\n<td>0.7500</td>" in texts["leaderboard"]
    assert "name: study" in texts["spec"]
    assert "<table>" in texts["reading_guide"]
    layers = study.tensorboard.texts("0000-mlp", "trial/network")[0]
    assert "<td>FullyConnected" in layers
    assert "12,560" in layers


def test_study_shows_the_best_so_far_and_states_by_ended_trials(study: RecordedStudy) -> None:
    study.tensorboard.eventually(lambda client: client.scalars("study", "study/best_so_far"), bool)
    tags = ("best_so_far", "complete", "pruned", "failed")
    points = {tag: study.tensorboard.scalars("study", f"study/{tag}") for tag in tags}

    assert points == {"best_so_far": [(1, 1.0)], "complete": [(1, 1.0)], "pruned": [(1, 0.0)], "failed": [(1, 0.0)]}


def test_custom_scalars_have_training_and_validation_in_one_chart(study: RecordedStudy) -> None:
    layout = study.tensorboard.eventually(TensorboardClient.custom_layout, bool)

    charts = layout["category"][0]["chart"]
    assert [chart["title"] for chart in charts] == ["accuracy", "loss"]
    assert all(re.match(charts[0]["multiline"]["tag"][0], tag) for tag in ("accuracy/train", "accuracy/val"))


def seventh_steps(client: TensorboardClient) -> list[int]:
    """The epochs of trial 7 that are shown."""
    return [step for step, _ in client.scalars("0007-mlp", TAG)]
