"""A study over networks with one and with two heads, compared by the digits that they read."""

import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cluster.run_dir.paths import RunDir
from tests.support.command_line import CommandLine
from tests.support.trial_folders import trial_folder

SPEC = """\
name: fair
training: {epochs: 1, batch_size: 50, learning_rate: 0.05}
search:
  space:
    model:
      choices:
        - {kind: mlp, hidden: [16], initializer: xavier}
        - {kind: multitask, hidden: [16], initializer: xavier}
        - {kind: lenet, filters: [2, 2], hidden: 8, initializer: xavier}
  sampler: {kind: grid}
  objective: val/digit_accuracy
"""


def test_every_network_measures_and_is_ranked_by_the_accuracy_of_its_digits(
    mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    (tmp_path / "fair.yaml").write_text(SPEC)
    run_dir = RunDir(tmp_path / "run")
    done = mxtrials("run", "fair.yaml", *small, "--json", "--out", run_dir.path)
    assert (done.returncode, done.stderr) == (0, "")
    trials = json.loads(done.stdout)["trials"]
    assert [trial["model"] for trial in trials] == ["mlp", "multitask", "lenet"]
    for trial in trials:
        assert trial["value"] == trial["metrics"]["val/digit_accuracy"]
        assert trial["test"].keys() >= {"test/digit_accuracy", "test/accuracy", "test/loss"}
        events = EventAccumulator(str(trial_folder(run_dir, trial["number"])))
        events.Reload()
        assert "accuracy/digit" in events.Tags()["scalars"]
        if trial["model"] != "multitask":
            assert trial["value"] == trial["metrics"]["val/accuracy"]
            assert trial["test"]["test/digit_accuracy"] == trial["test"]["test/accuracy"]
    multitask = trials[1]["metrics"]
    average = (multitask["val/digit_accuracy"] + multitask["val/parity_accuracy"]) / 2
    assert multitask["val/accuracy"] == pytest.approx(average)
    shown = mxtrials("show", run_dir.path).stdout
    assert shown.splitlines()[0].endswith("by val/digit_accuracy")
    for trial in trials:
        assert f"{trial['test']['test/digit_accuracy']:.4f}" in shown
