"""What may change in spec.yaml once a study has started, and how any other change is named."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cluster.run_dir.paths import RunDir
from cluster.run_dir.recorded_spec import check_spec_unchanged, load_run_spec, sync_spec
from cluster.spec.spec_file import dump_spec, load_spec
from cluster.store.store import Store
from mnist_core.errors import SpecError

SPEC = """
name: recorded
model: {kind: mlp, hidden: [16]}
training: {epochs: 2}
search:
  space:
    training.learning_rate: {choices: [0.01, 0.3, 0.05]}
    training.momentum: {low: 0.0, high: 0.4, step: 0.1}
  sampler: {kind: grid}
trials: 4
"""


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    run_dir = RunDir.create(tmp_path / "run")
    spec = dump_spec(load_spec(SPEC))
    run_dir.spec.write_text(spec)
    Store.create(run_dir.store, "recorded", spec=spec).close()
    return run_dir


def edit(run_dir: RunDir, *overrides: str) -> None:
    run_dir.spec.write_text(dump_spec(load_spec(run_dir.spec, overrides)))


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["trials=9"],
        ["workers.cpu=3"],
        ["limits.minutes=5", "limits.attempts=1"],
        ["stop.objective=0.9"],
        ["data.source=/elsewhere"],  # the data itself is compared by its fingerprint
    ],
)
def test_spec_may_change_in_what_does_not_affect_its_trials(overrides: Sequence[str], run_dir: RunDir) -> None:
    edit(run_dir, *overrides)
    assert load_run_spec(run_dir) == load_spec(run_dir.spec)


@pytest.mark.parametrize(
    ("override", "field", "now", "before"),
    [
        ("name=other", "name", '"other"', '"recorded"'),
        ("seed=1", "seed", "1", "0"),
        ("data.holdout=500", "data.holdout", "500", "10000"),
        ("model.hidden=[16, 8]", "model.hidden", "[16, 8]", "[16]"),
        ("model={kind: lenet}", "model.kind", '"lenet"', '"mlp"'),
        ("training.epochs=1", "training.epochs", "1", "2"),
        ("search.objective=val/loss", "search.objective", '"val/loss"', '"val/accuracy"'),
        ("search.sampler={kind: random}", "search.sampler.kind", '"random"', '"grid"'),
        (
            "search.space.training.learning_rate.choices=[0.01, 0.05]",
            "search.space.training.learning_rate.choices",
            "[0.01, 0.05]",
            "[0.01, 0.3, 0.05]",
        ),
        ("search.space.training.momentum.high=0.3", "search.space.training.momentum.high", "0.3", "0.4"),
        (
            "search.space.training.batch_size={choices: [10]}",
            "search.space.training.batch_size",
            '{"choices": [10]}',
            "not set",
        ),
    ],
)
def test_any_other_change_is_rejected_with_field_and_values(
    override: str, field: str, now: str, before: str, run_dir: RunDir
) -> None:
    edit(run_dir, override)
    with pytest.raises(SpecError) as raised:
        load_run_spec(run_dir)
    was = "without it" if before == "not set" else f"with {before}"
    assert f"{run_dir.spec}: {field} is {now}, but the study was started {was}" in str(raised.value)
    assert f"mxtrials run {run_dir.spec} --out" in str(raised.value)


def test_change_late_in_a_long_list_is_named_by_its_index(run_dir: RunDir) -> None:
    numbers = [round(0.001 * n, 3) for n in range(1, 40)]
    edit(run_dir, f"search.space.training.learning_rate.choices={numbers}")
    with Store.open(run_dir.store) as store:
        store.set_spec(run_dir.spec.read_text())
    edit(run_dir, f"search.space.training.learning_rate.choices={[*numbers[:-1], 0.5]}")
    with pytest.raises(SpecError, match=r"choices\.38 is 0\.5, but the study was started with 0\.039"):
        load_run_spec(run_dir)


def test_space_in_another_order_is_rejected(run_dir: RunDir) -> None:
    spec = load_spec(run_dir.spec)
    space = dict(reversed(spec.search.space.items()))
    search = spec.search.model_copy(update={"space": space})
    run_dir.spec.write_text(dump_spec(spec.model_copy(update={"search": search})))
    with pytest.raises(SpecError, match=r"search\.space is .*momentum.*learning_rate.* started with .*learning_rate"):
        load_run_spec(run_dir)


def test_comments_spelling_and_order_of_other_keys_may_change(run_dir: RunDir) -> None:
    lines = run_dir.spec.read_text().splitlines()
    text = "\n".join(["# mine", *lines[1:], lines[0]]).replace("0.05", "5.0e-2")
    run_dir.spec.write_text(text)
    assert load_run_spec(run_dir).name == "recorded"


def test_spec_of_a_study_that_recorded_none_is_recorded_once(tmp_path: Path) -> None:
    run_dir = RunDir.create(tmp_path / "older")
    warnings: list[str] = []
    spec, edited = load_spec(SPEC), load_spec(SPEC, ["seed=5"])
    with Store.create(run_dir.store, "recorded") as store:
        check_spec_unchanged(run_dir, spec, store)
        sync_spec(run_dir, spec, store, warnings.append)
        sync_spec(run_dir, edited, store, warnings.append)
        assert len(warnings) == 1
        with pytest.raises(SpecError, match="seed is 5, but the study was started with 0"):
            check_spec_unchanged(run_dir, edited, store)


def test_number_of_further_changes_is_told(run_dir: RunDir) -> None:
    edit(run_dir, "seed=5", "training.epochs=7")
    with pytest.raises(SpecError, match=r"seed is 5, but the study was started with \d+ \(and 1 more\): restore it"):
        load_run_spec(run_dir)
