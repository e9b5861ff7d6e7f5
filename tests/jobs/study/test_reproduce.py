"""`mxtrials reproduce` on real studies of 256 images: what it finds equal or different, and what it rejects."""

import json
import math
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from cluster.run_dir.paths import RunDir
from jobs.cli import main
from tests.support.command_line import CommandLine, assert_one_line_error

# Each network once with a learning rate that trains, and once with one that multiplies every weight by -99 per step.
TRAINED = """
name: trained
data: {source: SOURCE, holdout: 56}
training: {epochs: 12, batch_size: 50, momentum: 0.5, weight_decay: 1}
search:
  space:
    training.learning_rate: {choices: [0.01, 100]}
    model:
      choices:
        - {kind: mlp, hidden: [16], initializer: xavier}
        - {kind: lenet, filters: [4, 8], hidden: 16, initializer: xavier}
        - {kind: multitask, hidden: [16], initializer: xavier}
  sampler: {kind: grid}
trials: 6
"""
COMPLETE, DIVERGED = (0, 1, 2), (3, 4, 5)
BEST_METRICS = ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "val/digit_accuracy")

# No accuracy is 2, so each trial is pruned after its third epoch, in the middle of the cosine schedule.
PRUNED = """
name: pruned
data: {source: SOURCE, holdout: 56}
model: {kind: mlp, hidden: [16], initializer: xavier}
training: {epochs: 9, batch_size: 50, learning_rate: 0.1, schedule: {kind: cosine}}
search: {sampler: {kind: random}, pruner: {kind: threshold, lower: 1.0, n_warmup_steps: 3}}
trials: 1
"""


class CommandResult(NamedTuple):
    """The exit code and the output of a command."""

    exit_code: int
    stdout: str
    stderr: str


RunCommand = Callable[..., CommandResult]


@pytest.fixture(scope="module")
def run_command(environment: dict[str, str]) -> RunCommand:
    """Runs a command in this process, which has MXNet loaded already."""

    def run(*arguments: str | Path) -> CommandResult:
        done = CliRunner(env={"XDG_CACHE_HOME": environment["XDG_CACHE_HOME"]}).invoke(main, list(map(str, arguments)))
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return CommandResult(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="module")
def study_of(
    run_command: RunCommand, small_idx_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Runs a spec and returns its run directory."""

    def run(spec: str, exit_code: int = 0) -> Path:
        folder = tmp_path_factory.mktemp("study")
        (folder / "spec.yaml").write_text(spec.replace("SOURCE", str(small_idx_folder)))
        done = run_command("run", folder / "spec.yaml", "--local", "--quiet", "--out", folder / "run")
        assert done.exit_code == exit_code, done.stderr
        return folder / "run"

    return run


@pytest.fixture(scope="module")
def trained(study_of: Callable[..., Path]) -> Path:
    """The run directory of TRAINED, which tests must not change."""
    return study_of(TRAINED)


@pytest.fixture
def doctored(trained: Path, tmp_path: Path) -> Path:
    """A copy of `trained` that a test may change."""
    return shutil.copytree(trained, tmp_path / "copied")


def reproduce(run_command: RunCommand, run_dir: Path, number: int) -> dict[str, Any]:
    """Reproduces a trial, checks that it is equal, and returns the JSON."""
    done = run_command("reproduce", run_dir, "--trial", str(number), "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    assert (found["number"], found["equal"], found["differences"]) == (number, True, [])
    return found


def change(run_dir: Path, statement: str, *values: object) -> None:
    """Changes the store of a run with SQL."""
    database = sqlite3.connect(RunDir(run_dir).store)
    with database:
        assert database.execute(statement, values).rowcount > 0
    database.close()


def change_metric(run_dir: Path, number: int, epoch: int, metric: str, value: float) -> None:
    metrics = json.dumps({**recorded(run_dir, number, epoch), metric: value})
    change(run_dir, "UPDATE measurements SET metrics = ? WHERE trial = ? AND epoch = ?", metrics, number, epoch)


def recorded(run_dir: Path, number: int, epoch: int) -> dict[str, float]:
    """Reads the metrics of an epoch from the store."""
    database = sqlite3.connect(RunDir(run_dir).store)
    rows = database.execute("SELECT metrics FROM measurements WHERE trial = ? AND epoch = ?", (number, epoch))
    metrics: dict[str, float] = json.loads(rows.fetchone()[0])
    database.close()
    return metrics


@pytest.mark.parametrize("number", COMPLETE)
def test_complete_trial_of_each_network_is_reproduced_to_the_bit(
    number: int, run_command: RunCommand, trained: Path
) -> None:
    found = reproduce(run_command, trained, number)
    assert (found["model"], found["state"]) == (("mlp", "lenet", "multitask")[number], "COMPLETE")
    assert (found["epochs"], found["tolerance"], found["changes"]) == (12, None, [])
    assert found["weights_sha256"]["recorded"] == found["weights_sha256"]["trained"]
    assert set(found["metrics"]) >= set(BEST_METRICS)
    assert ("val/parity_accuracy" in found["metrics"]) == (found["model"] == "multitask")


@pytest.mark.parametrize("number", DIVERGED)
def test_trial_that_diverged_diverges_again_in_the_same_epoch(
    number: int, run_command: RunCommand, trained: Path
) -> None:
    found = reproduce(run_command, trained, number)
    assert (found["state"], found["weights_sha256"]) == ("FAIL", None)
    metrics = recorded(trained, number, found["epochs"])
    assert not (math.isfinite(metrics["train/loss"]) and math.isfinite(metrics["val/loss"]))


def test_pruned_trial_is_trained_up_to_its_last_epoch(run_command: RunCommand, study_of: Callable[..., Path]) -> None:
    found = reproduce(run_command, study_of(PRUNED, exit_code=1), 0)
    assert (found["state"], found["epochs"], found["weights_sha256"]) == ("PRUNED", 3, None)


def test_best_trial_is_the_default_and_the_report_says_what_is_equal(run_command: RunCommand, trained: Path) -> None:
    done = run_command("reproduce", trained)
    best = json.loads(run_command("show", trained, "--json").stdout)["best"]["number"]
    assert (done.exit_code, done.stderr) == (0, "")
    first, epochs, weights = done.stdout.splitlines()
    assert first.startswith(f"trial {best}, ")
    assert epochs.startswith(f"epochs   12 of 12 equal in {', '.join(BEST_METRICS)}")
    assert weights.startswith("weights  equal, SHA-256 ")


def test_spec_and_store_of_a_moved_run_directory_are_enough(mxtrials: CommandLine, doctored: Path) -> None:
    for unneeded in ("checkpoints", "tensorboard", "best"):
        shutil.rmtree(doctored / unneeded)
    done = mxtrials("reproduce", doctored.name)
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 of 12 equal" in done.stdout


def test_first_metric_that_differs_is_named_with_both_values(run_command: RunCommand, doctored: Path) -> None:
    before = recorded(doctored, 0, 2)["val/loss"]
    changed = math.nextafter(before, 0.0)
    change_metric(doctored, 0, 5, "train/loss", 7.0)
    change_metric(doctored, 0, 2, "val/loss", changed)
    done = run_command("reproduce", doctored, "--trial", "0")
    assert done.exit_code == 1
    assert "epochs   10 of 12 equal" in done.stdout
    (sentence,) = done.stderr.splitlines()
    assert f"trial 0 was not reproduced: val/loss of epoch 2 is {before!r} and was {changed!r}; " in sentence
    assert sentence.endswith("; versions and processor are the same as when the study started")
    found = json.loads(run_command("reproduce", doctored, "--trial", "0", "--json").stdout)
    assert [(each["epoch"], each["metric"]) for each in found["differences"]] == [(2, "val/loss"), (5, "train/loss")]


def test_speed_and_times_are_not_compared(run_command: RunCommand, doctored: Path) -> None:
    change_metric(doctored, 0, 1, "perf/samples_per_second", 1.0)
    change(doctored, "UPDATE measurements SET elapsed_s = 1000")
    reproduce(run_command, doctored, 0)


def test_missing_epoch_is_named(run_command: RunCommand, doctored: Path) -> None:
    change(doctored, "DELETE FROM measurements WHERE trial = 0 AND epoch = 3")
    assert "train/loss of epoch 3 is " in run_command("reproduce", doctored, "--trial", "0").stderr
    assert " and was missing; " in run_command("reproduce", doctored, "--trial", "0").stderr


def test_weights_are_named_if_only_they_differ(run_command: RunCommand, doctored: Path) -> None:
    change(doctored, "UPDATE trials SET weights_sha256 = ? WHERE number = 0", "0123456789abcdef" * 4)
    done = run_command("reproduce", doctored, "--trial", "0")
    assert done.exit_code == 1
    assert "weights  different" in done.stdout
    assert "the SHA-256 of its final weights is " in done.stderr
    assert " and was 0123456789abcdef; " in done.stderr


def test_changed_versions_and_processor_are_named_if_the_result_differs(
    run_command: RunCommand, doctored: Path
) -> None:
    path = RunDir(doctored).environment
    environment = json.loads(path.read_text())
    environment["packages"]["numpy"], environment["cpu"] = "1.0.0", "Abacus with beads"
    change(doctored, "UPDATE study SET environment = ?", json.dumps(environment))
    assert len(reproduce(run_command, doctored, 0)["changes"]) == 2
    change_metric(doctored, 0, 1, "val/loss", 7.0)
    sentence = run_command("reproduce", doctored, "--trial", "0").stderr
    assert "; numpy was 1.0.0 and is 1." in sentence
    assert ", the processor was Abacus with beads and is " in sentence
    path.unlink()
    change(doctored, "UPDATE study SET environment = NULL")
    sentence = run_command("reproduce", doctored, "--trial", "0").stderr
    assert sentence.endswith("; the versions and processor that it was trained with are not recorded\n")


def test_processor_with_narrower_vectors_gives_different_weights(
    environment: dict[str, str], mxtrials: CommandLine, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real difference, not one in the store: oneDNN computes as on such a processor."""
    monkeypatch.setitem(environment, "DNNL_MAX_CPU_ISA", "SSE41")
    done = mxtrials("reproduce", trained, "--trial", "0")
    assert done.returncode == 1
    assert "weights  different" in done.stdout
    assert done.stderr.startswith("mxtrials: trial 0 was not reproduced: ")


@pytest.mark.parametrize(("factor", "exit_code"), [(1.03, 0), (1.3, 1)])
def test_trial_of_a_gpu_is_compared_with_a_tolerance(
    factor: float, exit_code: int, run_command: RunCommand, doctored: Path
) -> None:
    change(doctored, "UPDATE attempts SET worker = 'gpu-1' WHERE trial = 0")
    change(doctored, "UPDATE trials SET weights_sha256 = 'of a GPU' WHERE number = 0")
    change_metric(doctored, 0, 4, "val/loss", factor * recorded(doctored, 0, 4)["val/loss"])
    done = run_command("reproduce", doctored, "--trial", "0")
    assert done.exit_code == exit_code
    assert f"{12 - exit_code} of 12 similar (within 5%, but so may other trials be)" in done.stdout
    as_json = json.loads(run_command("reproduce", doctored, "--trial", "0", "--json").stdout)
    assert as_json["equal"] is (False if exit_code else None)
    assert "weights  not compared: it was trained on gpu-1" in done.stdout


def test_trial_without_an_epoch_is_rejected(mxtrials: CommandLine, doctored: Path) -> None:
    change(doctored, "DELETE FROM measurements WHERE trial = 1")
    change(doctored, "UPDATE trials SET state = 'WAITING' WHERE number = 1")
    done = mxtrials("reproduce", doctored, "--trial", "1")
    assert_one_line_error(done, 2, f"trial 1 of {doctored} is WAITING and has no epoch to compare")


def test_missing_trial_is_rejected(mxtrials: CommandLine, trained: Path) -> None:
    assert_one_line_error(mxtrials("reproduce", trained, "--trial", "6"), 2, "has no trial 6: its trials are 0 to 5")


def test_study_without_a_complete_trial_has_no_default_trial(run_command: RunCommand, doctored: Path) -> None:
    change(doctored, "UPDATE trials SET state = 'FAIL'")
    done = run_command("reproduce", doctored)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no complete trial yet: choose one with --trial" in done.stderr


def test_changed_data_is_rejected(
    mxtrials: CommandLine, doctored: Path, small_idx_folder: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(small_idx_folder, tmp_path / "other")
    images = other / "train-images-idx3-ubyte"
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.write_bytes(content)
    spec = RunDir(doctored).spec
    spec.write_text(spec.read_text().replace(str(small_idx_folder), str(other)))
    done = mxtrials("reproduce", doctored, "--trial", "0")
    assert_one_line_error(done, 2, f"the data of {other} has changed since the study started")


def test_spec_that_no_longer_has_the_parameters_is_rejected(mxtrials: CommandLine, doctored: Path) -> None:
    change(doctored, "UPDATE trials SET params = ? WHERE number = 0", json.dumps({"training.speed": 1}))
    assert_one_line_error(mxtrials("reproduce", doctored, "--trial", "0"), 2, "do not belong to the study trained")
