"""A run directory that an earlier version wrote, before the packages were divided into folders, still works.

The archive holds a study of four trials of 12 epochs on the 256 + 128 images of `small_dataset`: three are complete,
the last one is suspended after its tenth epoch. Its spec names the folder `idx` as the source.
"""

import json
import tarfile
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from cluster.machine.processor import read_processor
from cluster.run_dir.paths import RunDir
from cluster.trial import trial_seed
from tests.support.command_line import CommandLine, assert_one_line_error
from tests.support.trial_folders import trial_folder

ARCHIVE = Path(__file__).parents[2] / "support" / "archives" / "run-of-schema-3.tar.gz"
TAGS = {"accuracy/train", "accuracy/val", "loss/train", "loss/val", "perf/samples_per_second", "schedule/learning_rate"}
ENDS = {"trial/epochs", "trial/objective", "trial/seconds"}


@pytest.fixture
def older(tmp_path: Path, small_idx_folder: Path) -> RunDir:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    run_dir = RunDir.open(tmp_path / "older")
    run_dir.spec.write_text(run_dir.spec.read_text().replace("source: idx", f"source: {small_idx_folder}"))
    return run_dir


def has_this_processor(run_dir: RunDir) -> bool:
    """Whether its trials were trained on a processor like this one: only then can they be reproduced to the bit."""
    return bool(json.loads(run_dir.environment.read_text())["cpu"] == read_processor())


def test_older_run_is_shown(older: RunDir, mxtrials: CommandLine) -> None:
    document = json.loads(mxtrials("show", older.path, "--json").stdout)
    assert (document["state"], document["best"]["number"]) == ("complete", 2)
    assert [(trial["state"], trial["epochs"]) for trial in document["trials"]] == [
        ("COMPLETE", 12),
        ("COMPLETE", 12),
        ("COMPLETE", 12),
        ("WAITING", 10),
    ]
    assert "limits.minutes" in mxtrials("show", older.path).stdout


def test_older_run_is_resumed_from_its_last_state(older: RunDir, mxtrials: CommandLine) -> None:
    done = mxtrials("resume", older.path, "--trials", "5", "--local", "--json")
    assert done.stderr == ""
    trials = json.loads(done.stdout)["trials"]
    assert [(trial["state"], trial["epochs"]) for trial in trials] == [("COMPLETE", 12)] * 5
    assert [trial["attempts"] for trial in trials] == [1, 1, 1, 2, 1]
    assert len({frozenset(trial["metrics"]) for trial in trials}) == 1  # the metrics that the study started with
    seed = json.loads(mxtrials("show", older.path, "--trial", "4", "--json").stdout)["seed"]
    assert seed == trial_seed(4, 4, 32)  # as that version would have given it
    # What the earlier version wrote under other names and tags has been rebuilt as a whole.
    assert len(list(older.tensorboard.iterdir())) == 5 + len(["study"])
    for number in range(5):
        events = EventAccumulator(str(trial_folder(older, number)))
        events.Reload()
        assert set(events.Tags()["scalars"]) == TAGS | ENDS
        assert [scalar.step for scalar in events.Scalars("loss/val")] == list(range(1, 13))


def test_older_run_takes_the_present_spec_as_its_own_from_its_next_resume_on(
    older: RunDir, mxtrials: CommandLine
) -> None:
    present = older.spec.read_text()
    resume = ("resume", older.path, "--trials", "4", "--local")
    first, second = mxtrials(*resume), mxtrials(*resume)
    assert (first.returncode, second.returncode) == (0, 0)
    warning = "warning: the spec that the study was started with is not recorded in study.db"
    assert (first.stdout.count(warning), second.stdout.count(warning)) == (1, 0)
    older.spec.write_text(present.replace("val/accuracy", "val/loss"))
    assert_one_line_error(mxtrials("show", older.path), 2, "search.objective", "val/loss", "val/accuracy")


def test_older_run_whose_store_has_a_flipped_bit_is_rejected_and_not_migrated(
    older: RunDir, mxtrials: CommandLine
) -> None:
    damaged = older.store.read_bytes().replace(b'"val/accuracy": 0.', b'"val/accuracy": 1.', 1)
    older.store.write_bytes(damaged)
    assert_one_line_error(mxtrials("resume", older.path, "--local"), 2, "table measurements is not what was written")
    assert older.store.read_bytes() == damaged


def test_older_run_is_reproduced(older: RunDir, mxtrials: CommandLine) -> None:
    done = mxtrials("reproduce", older.path, "--json")
    answer = json.loads(done.stdout)
    assert (answer["number"], answer["epochs"]) == (2, 12)
    if has_this_processor(older):
        assert (done.returncode, answer["equal"]) == (0, True)
    else:
        assert any("the processor" in change for change in answer["changes"])
