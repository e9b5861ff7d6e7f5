"""TensorBoard's HParams page, over HTTP, for two studies of different spaces in one folder."""

from collections.abc import Iterator

import numpy as np
import pytest
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from cluster.driver.observer import TrialEnded, TrialMeasured, TrialStarted
from cluster.run_dir.paths import RunDir
from cluster.spec.space import Params
from cluster.spec.study_spec import StudySpec
from cluster.tensorboard.hparams import HParamsPage
from cluster.tensorboard.recorder import Recorder
from cluster.trial import TrialSpec, TrialState
from mnist_core.config import MODELS, TrainingConfig
from mnist_core.measurement import Measurement
from tests.support.tensorboard_client import TensorboardClient, running_tensorboard

RATES = StudySpec.model_validate(
    {
        "name": "rates",
        "search": {
            "space": {
                "model": {"choices": [{"kind": "mlp", "hidden": [32]}, {"kind": "lenet"}, {"kind": "multitask"}]},
                "training.learning_rate": {"low": 0.01, "high": 1.0, "log": True},
            }
        },
    }
)
SCHEDULES = StudySpec.model_validate(
    {
        "name": "schedules",
        "training": {"momentum": 0.5},
        "search": {
            "objective": "val/loss",
            "space": {
                "training.batch_size": {"low": 50, "high": 200},
                "training.schedule": {"choices": [{"kind": "cosine"}, {"kind": "step", "every_epochs": 2}]},
            },
        },
    }
)
TRIALS: list[tuple[StudySpec, Params, TrialState]] = [
    (RATES, {"model": {"kind": "mlp", "hidden": [32]}, "training.learning_rate": 0.25}, TrialState.COMPLETE),
    (RATES, {"model": {"kind": "lenet"}, "training.learning_rate": 0.5}, TrialState.PRUNED),
    (RATES, {"model": {"kind": "multitask"}, "training.learning_rate": 1.0}, TrialState.FAIL),
    (SCHEDULES, {"training.batch_size": 100, "training.schedule": {"kind": "cosine"}}, TrialState.COMPLETE),
]
SEARCHED = {
    RATES.name: {"network", "hidden", "activation", "learning_rate", "state"},
    SCHEDULES.name: {"network", "batch_size", "schedule", "state"},
}
NAMES = [
    "rates/0000-mlp lr=0.25",
    "rates/0001-lenet lr=0.5",
    "rates/0002-multitask lr=1",
    "schedules/0003-mlp batch=100 schedule=cosine",
]
FIELDS = {name for model in MODELS.values() for name in model.model_fields if name != "kind"}
COLUMNS = {"network", "state"} | FIELDS | set(TrainingConfig.model_fields)


def test_state_is_shown_although_many_fields_are_searched() -> None:
    names = ("momentum", "beta1", "beta2", "epsilon", "weight_decay", "learning_rate")
    space = {f"training.{name}": {"low": 0.1, "high": 0.5} for name in names}
    kinds = {"model.kind": {"choices": ["mlp", "lenet"]}}
    spec = StudySpec.model_validate({"name": "wide", "search": {"space": space | kinds}})
    content = HParamsPage(spec).experiment().metadata.plugin_data.content
    columns = HParamsPluginData.FromString(content).experiment.hparam_infos

    assert {column.name for column in columns if column.differs} == {"state", "network", "momentum", "beta1", "beta2"}


@pytest.fixture(scope="module")
def tensorboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TensorboardClient]:
    folder = tmp_path_factory.mktemp("hparams")
    recorders = {}
    for spec in (RATES, SCHEDULES):
        run_dir = RunDir.create(folder / spec.name)
        recorders[spec.name] = Recorder(run_dir, spec)
        recorders[spec.name].study.open(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8))
    for number, (spec, params, state) in enumerate(TRIALS):
        record(recorders[spec.name], TrialSpec.resolve(spec, number, params), state)
    with running_tensorboard(folder, folder / "tensorboard.log") as client:
        client.eventually(TensorboardClient.hparams, lambda rows: len(rows) == len(TRIALS))
        yield client


def record(recorder: Recorder, trial: TrialSpec, state: TrialState) -> None:
    """Records a trial of two epochs with the events that a driver sends."""
    recorder.notify(TrialStarted(trial, "cpu-0"))
    for epoch in (1, 2):
        recorder.notify(TrialMeasured(trial.number, Measurement(epoch, {"val/accuracy": 0.5, "val/loss": 1.5}, epoch)))
    recorder.notify(TrialEnded(trial.number, state, 0.5, None))


def test_each_study_shows_the_columns_of_all(tensorboard: TensorboardClient) -> None:
    experiment = tensorboard.experiment()

    assert {column["name"] for column in experiment["hparamInfos"]} == COLUMNS
    assert [metric["displayName"] for metric in experiment["metricInfos"]] == ["objective", "epochs", "seconds"]


def test_rows_of_both_studies_have_their_own_values_in_these_columns(tensorboard: TensorboardClient) -> None:
    rows = {name.replace("/tensorboard", ""): row for name, row in tensorboard.hparams().items()}

    assert sorted(rows) == NAMES
    mlp, lenet, multitask, scheduled = (rows[name].hparams for name in NAMES)
    assert [row["network"] for row in (mlp, lenet, multitask, scheduled)] == ["mlp", "lenet", "multitask", "mlp"]
    assert (mlp["hidden"], lenet["hidden"], mlp["filters"], lenet["filters"]) == ("32", "500", "-", "20-50")
    assert (mlp["learning_rate"], mlp["momentum"], scheduled["momentum"]) == (0.25, 0, 0.5)
    assert (mlp["schedule"], scheduled["schedule"], scheduled["batch_size"]) == ("constant", "cosine 0", 100)


def test_states_are_told_apart(tensorboard: TensorboardClient) -> None:
    rows = {name.replace("/tensorboard", ""): row for name, row in tensorboard.hparams().items()}

    assert [rows[name].hparams["state"] for name in NAMES] == ["complete", "pruned", "failed", "complete"]
    assert [rows[name].status for name in NAMES[1:3]] == ["STATUS_SUCCESS", "STATUS_FAILURE"]


def test_every_trial_has_every_metric(tensorboard: TensorboardClient) -> None:
    rows = {name.replace("/tensorboard", ""): row for name, row in tensorboard.hparams().items()}

    for name in NAMES[:3]:
        assert rows[name].metrics == {"trial/objective": 0.5, "trial/epochs": 2, "trial/seconds": 2}
    assert rows[NAMES[3]].metrics["trial/objective"] == 1.5


def test_searched_columns_come_first(tensorboard: TensorboardClient) -> None:
    columns = tensorboard.experiment()["hparamInfos"]
    differing = {column["name"] for column in columns if column.get("differs")}

    assert differing in (SEARCHED[RATES.name], SEARCHED[SCHEDULES.name])
    assert [column["name"] for column in columns[: len(differing)]] == sorted(differing)
