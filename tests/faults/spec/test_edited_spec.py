"""A spec.yaml that somebody edits after its study has started."""

from pathlib import Path

import pytest

from tests.faults.kit.matrix import fault
from tests.faults.kit.outcome import read_results
from tests.support.command_line import CommandLine, assert_one_line_error


@fault(
    "Data, specs and settings",
    "`spec.yaml` is edited after a study started, in more than `trials`, `workers`, `limits`, `stop` or `data.source`",
    seen="`show`, `resume`, `evaluate`, `reproduce`: one-line error with the field, both values and the command that "
    "starts a new study with it, exit code 2",
    cost="nothing: once it is restored, the study continues",
)
@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("objective: val/accuracy", "objective: val/loss", "search.objective"),
        ("seed: 0", "seed: 1", "seed"),
        ("holdout: 56", "holdout: 60", "data.holdout"),
        ("epochs: 12", "epochs: 5", "training.epochs"),
    ],
)
def test_edited_spec_is_rejected_until_it_is_restored(
    before: str, after: str, field: str, started_run: Path, mxtrials: CommandLine
) -> None:
    spec = started_run / "spec.yaml"
    original = spec.read_text()
    assert before in original
    store, results = (started_run / "study.db").read_bytes(), read_results(started_run)
    spec.write_text(original.replace(before, after))
    for command in (["show"], ["resume", "--trials=2", "--local"], ["evaluate"], ["reproduce"]):
        failed = mxtrials(*command, started_run)
        assert_one_line_error(failed, 2, f"{spec}: {field} is", "was started with", f"mxtrials run {spec} --out")
    assert ((started_run / "study.db").read_bytes(), read_results(started_run)) == (store, results)
    spec.write_text(original)
    assert mxtrials("resume", started_run, "--trials=2", "--local", "--quiet").returncode == 0


def test_edited_number_of_trials_is_taken(started_run: Path, mxtrials: CommandLine) -> None:
    spec = started_run / "spec.yaml"
    spec.write_text(spec.read_text().replace("trials: 1", "trials: 2"))
    assert "1 of 2 trials: 1 complete" in mxtrials("show", started_run).stdout
    assert "2 of 2 trials: 2 complete" in mxtrials("resume", started_run, "--local").stdout
