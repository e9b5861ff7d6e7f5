"""The final weights of the best trial, damaged before the study could score it on the test set."""

import json
from pathlib import Path

import pytest

from tests.command_line import CommandLine
from tests.faults.matrix import fault


@pytest.fixture
def shown(mxtrials: CommandLine, small: list[str]) -> dict[str, object]:
    """What a study ends with, in the folder `run`; with trials added to it, it has another best trial to score."""
    done = mxtrials("run", "smoke", *small, "--out", "run", "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@fault(
    "Disks and files",
    "the final weights of a best trial are damaged or gone before its test",
    seen="a warning; the trial is trained again, to the same bits, and the study ends as it would have",
    lost="the time",
)
@pytest.mark.parametrize("damage", ["flip", "delete"])
def test_best_trial_is_trained_again(
    damage: str, shown: dict[str, object], mxtrials: CommandLine, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    (state,) = run.glob("checkpoints/*/*.state")
    content = bytearray(state.read_bytes())
    content[-100] ^= 1
    if damage == "flip":
        state.write_bytes(content)
    else:
        state.unlink()
    for file in (run / "best").iterdir():  # so that the finish needs the weights once more
        file.unlink()
    done = mxtrials("resume", "run", "--local")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"warning: trial {state.parent.name[-1]} is trained again" in done.stdout
    again = json.loads(mxtrials("show", "run", "--json").stdout)
    assert again == shown
    assert (run / "best" / "model-0000.params").exists()
    assert state.exists()
    assert bytes(content) != state.read_bytes()
