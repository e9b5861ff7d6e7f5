"""The command line as a user meets it: real processes, exit codes and one-line errors."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import ROOT, CommandLine, assert_one_line_error, command


@pytest.fixture(scope="module")
def finished_run(
    environment: dict[str, str], small_idx_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """A run directory of two complete trials, and what `run --json` printed."""
    run_dir = tmp_path_factory.mktemp("finished") / "run"
    options = ["--set", f"data.source={small_idx_folder}", "--set", "data.holdout=56", "--local", "--json"]
    done = subprocess.run(
        command("run", "smoke", *options, "--out", run_dir),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return run_dir, done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "training.epoch=3"], ["training has no key 'epoch'", "did you mean epochs?"]),
        (["--set", "training.epochs=many"], ['training.epochs is "many"', "integer"]),
        (["--set", "training.weight_decay=-1"], ["training.weight_decay is -1", "at least 0"]),
        (["--set", "search.space={training.momentum: {low: 3, high: 1}}"], ["training.momentum", "low is 3"]),
        (["--set", "model.kind=resnet"], ['model.kind is "resnet"', "lenet, mlp, multitask"]),
        (["--set", "model={kind"], ["not valid YAML"]),
        (["--set", "data.source=/nope"], ["/nope does not exist"]),
        (["--trials", "0"], ["trials is 0"]),
        (["--workers", "cpu=x"], ["--workers is 'cpu=x'", "cpu=2,gpu=0"]),
        (["--workers", "tpu=1"], ["--workers is 'tpu=1'"]),
        (["--workers", "cpu=0,gpu=0"], ["cpu and gpu are both 0"]),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else None,
)
def test_invalid_study_is_rejected_and_leaves_no_run(
    options: list[str], words: list[str], mxtrials: CommandLine, tmp_path: Path
) -> None:
    assert_one_line_error(mxtrials("run", "smoke", "--local", *options), 2, *words)
    assert list(tmp_path.iterdir()) == []


def test_spec_that_is_not_yaml_is_rejected_with_the_line(mxtrials: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: bad\nmodel: [\n")
    assert_one_line_error(mxtrials("run", "bad.yaml", "--local"), 2, "bad.yaml, line 3", "not valid YAML")
    assert not (tmp_path / "runs").exists()


def test_unknown_spec_is_rejected_with_a_suggestion(mxtrials: CommandLine) -> None:
    assert_one_line_error(mxtrials("run", "smok", "--local"), 2, "'smok'", "did you mean smoke?")


def test_truncated_idx_file_is_rejected_by_name(mxtrials: CommandLine, small_idx_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(small_idx_folder, folder)
    images = folder / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1])
    assert_one_line_error(mxtrials("run", "smoke", "--local", "--set", f"data.source={folder}"), 2, images.name)
    assert not (tmp_path / "runs").exists()


def test_holdout_larger_than_the_data_is_rejected(
    mxtrials: CommandLine, small_idx_folder: Path, tmp_path: Path
) -> None:
    source = f"data.source={small_idx_folder}"
    assert_one_line_error(mxtrials("run", "smoke", "--local", "--set", source), 2, "10000", "256")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["/proc/x/y", "file/run"])
def test_output_folder_that_cannot_be_created_is_a_problem_of_the_environment(
    out: str, mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    assert_one_line_error(mxtrials("run", "smoke", *small, "--out", out), 3, out, "cannot be created", "--out")


def test_run_directory_that_exists_is_rejected_and_kept(
    mxtrials: CommandLine, small: list[str], finished_run: tuple[Path, str]
) -> None:
    run_dir, _ = finished_run
    before = sorted(run_dir.rglob("*"))
    done = mxtrials("run", "smoke", *small, "--out", run_dir)
    assert_one_line_error(done, 2, "already exists", f"mxtrials resume {run_dir}")
    assert sorted(run_dir.rglob("*")) == before


@pytest.mark.parametrize("arguments", [["show"], ["resume"], ["evaluate"], ["reproduce"], ["predict", "image.png"]])
def test_folder_that_is_not_a_run_is_rejected(arguments: list[str], mxtrials: CommandLine, tmp_path: Path) -> None:
    name, *images = arguments
    assert_one_line_error(mxtrials(name, tmp_path, *images), 2, f"{tmp_path} is not a run directory", "study.db")
    assert_one_line_error(mxtrials(name, "/nope", *images), 2, "/nope is not a run directory", "no such folder")
    assert list(tmp_path.iterdir()) == []


def test_missing_data_folder_is_rejected_by_data(mxtrials: CommandLine) -> None:
    assert_one_line_error(mxtrials("data", "--source", "/nope"), 2, "/nope does not exist")


def test_unknown_option_is_a_usage_error(mxtrials: CommandLine) -> None:
    done = mxtrials("run", "smoke", "--epoch", "3")
    assert done.returncode == 2
    assert "--epoch" in done.stderr
    assert "Traceback" not in done.stderr


def test_version_names_what_decides_on_results(mxtrials: CommandLine) -> None:
    done = mxtrials("--version")
    assert (done.returncode, done.stderr) == (0, "")
    words = r"mxtrials \S+ \(mxnet\S* 1\.9\.1, ray \d+\.\d+\.\d+, Python 3\.\d+\.\d+\)\n"
    assert re.fullmatch(words, done.stdout)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["show"], ["show", "--json"], ["data"]])
def test_command_that_only_reads_imports_neither_mxnet_nor_ray(
    arguments: list[str], finished_run: tuple[Path, str], environment: dict[str, str]
) -> None:
    name, *options = arguments
    command_line = [name, *options, str(finished_run[0])] if name == "show" else arguments
    unused = ["mxnet", "ray", "optuna", "tensorboardX", *(["rich", "cluster"] if "--help" in arguments else [])]
    program = (
        f"import sys; from jobs.cli import main; unused = {unused}\n"
        f"main({command_line!r}, standalone_mode=False)\n"
        "sys.exit(' '.join({*unused} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_show_timing_adds_up_and_names_every_part(finished_run: tuple[Path, str], mxtrials: CommandLine) -> None:
    run_dir, _ = finished_run
    times = json.loads(mxtrials("show", run_dir, "--timing", "--json").stdout)
    assert (times["sessions"], times["workers"]) == (1, 1)
    assert sum(times["worker_s"].values()) == pytest.approx(times["elapsed_s"])
    assert sum(times["driver_s"].values()) == pytest.approx(times["elapsed_s"])
    assert all(times["driver_s"][part] > 0 for part in ("start", "store", "search", "TensorBoard", "finish"))
    assert 0 <= times["waiting_later"] < 1
    shown = mxtrials("show", run_dir, "--timing").stdout
    assert all(part in shown for part in [*times["worker_s"], *times["driver_s"]])


def test_show_trial_has_its_parameters_epochs_and_attempts(
    finished_run: tuple[Path, str], mxtrials: CommandLine
) -> None:
    run_dir, printed = finished_run
    (_, expected) = json.loads(printed)["trials"]
    trial = json.loads(mxtrials("show", run_dir, "--trial", "1", "--json").stdout)
    assert {name: trial[name] for name in expected} == expected
    assert [each["epoch"] for each in trial["measurements"]] == [1]
    assert [each["outcome"] for each in trial["attempt_log"]] == ["complete"]
    shown = mxtrials("show", run_dir, "--trial", "1").stdout
    assert all(text in shown for text in ("trial 1", "COMPLETE", "learning_rate", "val/accuracy", "cpu-0"))


def test_show_trial_that_does_not_exist_is_rejected(finished_run: tuple[Path, str], mxtrials: CommandLine) -> None:
    run_dir, _ = finished_run
    assert_one_line_error(mxtrials("show", run_dir, "--trial", "2"), 2, "has no trial 2: its trials are 0 to 1")
    both = mxtrials("show", run_dir, "--trial", "1", "--timing")
    assert both.returncode == 2
    assert "choose one" in both.stderr


def test_run_prints_the_json_that_show_prints(finished_run: tuple[Path, str], mxtrials: CommandLine) -> None:
    run_dir, printed = finished_run
    summary = json.loads(printed)
    assert summary == json.loads(mxtrials("show", run_dir, "--json").stdout)
    assert summary["state"] == "complete"
    assert [trial["state"] for trial in summary["trials"]] == ["COMPLETE", "COMPLETE"]
    assert summary["best"]["test"]["test/accuracy"] >= 0


def test_quiet_run_prints_nothing(mxtrials: CommandLine, small: list[str]) -> None:
    done = mxtrials("run", "smoke", *small, "--quiet", "--out", "run")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_run_prints_its_progress_and_where_its_results_are(
    mxtrials: CommandLine, small: list[str], tmp_path: Path
) -> None:
    done = mxtrials("run", "smoke", *small)
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("1 worker ready", "trial 1 mlp COMPLETE", "smoke  complete  2 of 2 trials: 2 complete"):
        assert words in done.stdout
    assert "tensorboard --logdir runs/smoke/tensorboard" in done.stdout
    assert {path.name for path in (tmp_path / "runs" / "smoke").iterdir()} >= {"spec.yaml", "study.db", "best"}


def test_address_where_no_cluster_answers_is_rejected(mxtrials: CommandLine, tmp_path: Path) -> None:
    done = mxtrials("run", "smoke", "--address", "127.0.0.1:1", "--quiet", "--out", "run")
    assert_one_line_error(done, 3, "no Ray cluster answers at 127.0.0.1:1")
    assert not (tmp_path / "run").exists()


def test_relative_data_folder_is_saved_as_an_absolute_path(
    mxtrials: CommandLine, small_idx_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(small_idx_folder, tmp_path / "mine")
    options = ["--set", "data.source=mine", "--set", "data.holdout=56", "--local", "--quiet"]
    assert mxtrials("run", "smoke", *options, "--out", "run").returncode == 0
    assert f"source: {tmp_path}/mine" in (tmp_path / "run" / "spec.yaml").read_text()


def test_resume_with_fewer_trials_is_rejected(mxtrials: CommandLine, small: list[str]) -> None:
    assert mxtrials("run", "smoke", *small, "--quiet", "--out", "run").returncode == 0
    assert_one_line_error(mxtrials("resume", "run", "--trials", "1", "--local"), 2, "has started 2")


def test_local_with_workers_is_a_usage_error(mxtrials: CommandLine) -> None:
    done = mxtrials("run", "smoke", "--local", "--workers", "cpu=3")
    assert done.returncode == 2
    assert "--local runs one CPU worker" in done.stderr
