"""Final weights of the best trial that are damaged or missing before it is scored on the test set."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from cluster.store.store import Store
from cluster.trial import TrialState
from tests.faults.kit.matrix import fault
from tests.support.command_line import CommandLine


@pytest.fixture
def summary(mxtrials: CommandLine, small: list[str]) -> dict[str, object]:
    """Runs a study in the folder `run` and returns what `--json` prints."""
    done = mxtrials("run", "smoke", *small, "--out", "run", "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@fault(
    "Disks and files",
    "the final weights of a best trial are damaged or missing before it is scored",
    seen="a warning; the trial is retrained, bit for bit, and the study ends as it would have",
    cost="the time to retrain it",
)
@pytest.mark.parametrize("damage", ["flip", "delete"])
def test_best_trial_is_retrained(
    damage: str, summary: dict[str, object], mxtrials: CommandLine, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    (state,) = run.glob("checkpoints/*/*.state")
    content = bytearray(state.read_bytes())
    content[-100] ^= 1
    if damage == "flip":
        state.write_bytes(content)
    else:
        state.unlink()
    for file in (run / "best").iterdir():  # so that the weights are needed again
        file.unlink()
    done = mxtrials("resume", "run", "--local")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"warning: retraining trial {state.parent.name[-1]}: " in done.stdout
    again = json.loads(mxtrials("show", "run", "--json").stdout)
    assert again == summary
    assert (run / "best" / "model-0000.params").exists()
    assert state.exists()
    assert bytes(content) != state.read_bytes()


def best_of(run: Path) -> int:
    """The number of the trial whose model is saved."""
    return int(json.loads((run / "best" / "model.json").read_text())["trial"])


@fault(
    "Disks and files",
    "the final weights of a best trial are missing, and retraining gives others (on a GPU or another processor)",
    seen="a warning that says which model `best/` holds; exit code 0",
    cost="its test scores and its model, unless they were written before",
)
@pytest.mark.parametrize("trained_on", ["gpu-0", "cpu-0"])
def test_best_trial_that_cannot_be_retrained_is_reported(
    trained_on: str, summary: dict[str, object], mxtrials: CommandLine, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    number = best_of(run)
    for pattern in ("checkpoints/*/*", "best/*", "tensorboard/*/*.best"):
        for file in run.glob(pattern):
            file.unlink()
    with closing(Store.open(run / "study.db")) as store:  # weights that this processor cannot reproduce
        store.connection.execute("UPDATE attempts SET worker = ?", (trained_on,))
        store.finish_trial(number, TrialState.COMPLETE, store.trials()[number].value, "0" * 64)
    done = mxtrials("resume", "run", "--local")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("retraining trial") == (trained_on == "cpu-0")
    assert done.stdout.count("cannot be scored: its final weights are missing, and") == 1
    assert f"run/best has no model: the weights of the best trial, {number}, are missing" in done.stdout


def test_saved_model_of_an_earlier_best_trial_is_reported(
    summary: dict[str, object], mxtrials: CommandLine, tmp_path: Path
) -> None:
    before = best_of(tmp_path / "run")
    with closing(Store.open(tmp_path / "run" / "study.db")) as store:
        store.finish_trial(1 - before, TrialState.COMPLETE, 1.0, "0" * 64)
    done = mxtrials("resume", "run", "--local")
    assert (done.returncode, done.stderr) == (0, "")
    best = f"the weights of the best trial, {1 - before}, are missing"
    assert f"run/best still has the model of trial {before}: {best}" in done.stdout
