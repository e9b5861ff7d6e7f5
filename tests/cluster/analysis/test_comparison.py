"""Studies side by side: which trials are paired, and which method judges their difference."""

from pathlib import Path

import numpy as np
import pytest

from cluster.analysis.comparison.compared_study import ComparedStudy, read_compared_studies
from cluster.analysis.comparison.comparison import Comparison, compare_studies
from cluster.analysis.comparison.differences import Difference, Side
from cluster.analysis.intervals import ShareDifference, independent_difference
from cluster.results.predictions import TestPredictions, write_predictions
from cluster.run_dir.paths import RunDir
from cluster.spec.spec_file import dump_spec, load_spec
from cluster.store.store import Store
from cluster.trial import TrialState
from mnist_core.errors import InputError
from mnist_core.measurement import Measurement

SPEC = """
name: {name}
seed: 0
training: {{epochs: {epochs}}}
search: {{space: {{training.learning_rate: {{choices: [0.1, 0.2, 0.3, 0.4]}}}}, sampler: {{kind: grid}}}}
"""
IMAGES = 10_000


def study(
    path: Path, name: str, values: list[float], *, epochs: int = 3, seed: int = 0, pruned: tuple[int, ...] = ()
) -> RunDir:
    """A study whose trials have these accuracies on 10,000 validation images; seeds count up from `seed`."""
    run_dir = RunDir.create(path)
    spec = load_spec(SPEC.format(name=name, epochs=epochs), name=name)
    run_dir.spec.write_text(dump_spec(spec))
    with Store.create(run_dir.store, spec.name, '{"data_fingerprint": "same"}', dump_spec(spec)) as store:
        for number, value in enumerate(values):
            store.add_trial(number, "mlp", {"training.learning_rate": (number + 1) / 10}, seed=seed + number)
            store.start_attempt(number, "cpu-0")
            right = round(value * IMAGES / 10)
            confusion = tuple(
                tuple(
                    right if digit == read else IMAGES // 10 - right if read == (digit + 1) % 10 else 0
                    for read in range(10)
                )
                for digit in range(10)
            )
            metrics = {"val/accuracy": value, "val/digit_accuracy": value, "val/loss": 1 - value}
            store.add_measurement(number, Measurement(1, metrics, 1.0, {"digit": confusion}), value)
            state = TrialState.PRUNED if number in pruned else TrialState.COMPLETE
            store.finish_trial(number, state, value, None if number in pruned else "abc")
        store.set_study("complete")
    return run_dir


def predict(run_dir: RunDir, number: int, wrong: slice, *, images: int = 1000, first_label: int = 0) -> None:
    """Records predictions of a trial for the test images, of which those of the slice are wrong."""
    labels = ((np.arange(images) + first_label) % 10).astype(np.uint8)
    read = labels.copy()
    read[wrong] = (read[wrong] + 1) % 10
    probabilities = np.eye(10, dtype=np.float32)[read]
    write_predictions(run_dir.predictions, [TestPredictions(number, "mlp", labels, {"digit": probabilities})])
    with Store.open(run_dir.store) as store:
        store.set_test(number, {"test/accuracy": float((read == labels).mean())})


def compared(*run_dirs: RunDir) -> Comparison:
    return compare_studies([run_dir.path for run_dir in run_dirs])


def test_trials_with_the_same_parameters_and_seed_are_paired(tmp_path: Path) -> None:
    first = study(tmp_path / "a", "short", [0.95, 0.96, 0.97, 0.90])
    second = study(tmp_path / "b", "long", [0.96, 0.962, 0.96, 0.91], epochs=9, pruned=(3,))

    (pair,) = compared(first, second).pairs

    assert [(each.first.number, each.second.number) for each in pair.trials] == [(0, 0), (1, 1), (2, 2)]
    # Two shares p of 10,000 images each differ by noise below 1.96 * sqrt(2 p (1 - p) / 10,000): 0.57 points at 95.5 %.
    assert [each.difference.gap.is_noise for each in pair.trials] == [False, True, False]
    assert pair.sentence == (
        "of 3 trials with the same parameters and seed, long is better in 1, short in 1, and 1 differ within noise"
    )


def test_trials_with_other_seeds_are_not_paired(tmp_path: Path) -> None:
    first = study(tmp_path / "a", "one", [0.95, 0.96])
    second = study(tmp_path / "b", "other", [0.95, 0.96], seed=7)

    (pair,) = compared(first, second).pairs

    assert pair.trials == []
    assert pair.best is not None


def test_best_trials_are_judged_by_mcnemar_if_what_they_read_is_recorded(tmp_path: Path) -> None:
    first, second = study(tmp_path / "a", "one", [0.95]), study(tmp_path / "b", "other", [0.96])
    predict(first, 0, slice(0, 40))  # wrong in 0..39
    predict(second, 0, slice(30, 50))  # wrong in 30..49: of the 50 wrong images, both are wrong in ten

    (pair,) = compared(first, second).pairs

    best = pair.best
    assert best is not None
    assert (best.images, best.method) == ("test", "mcnemar")
    assert (best.first.share, best.second.share) == (0.96, 0.98)
    assert (best.first.alone, best.second.alone) == (10, 30)
    # McNemar: (30 - 10)^2 / 40 = 10 > 3.84. Wilson's interval of 30 in 40 is 0.598 to 0.858, so (2 * 0.598 - 1) * 40
    # to (2 * 0.858 - 1) * 40 of the 1,000 images.
    assert best.gap.value == 0.02
    assert best.sentence == (
        "other is better than one by 2.00 points on 1,000 test images (95 % interval 0.78 to 2.87; 30 are read right "
        "by it alone, 10 by one alone)"
    )


@pytest.mark.parametrize("difference", [{"images": 900}, {"first_label": 1}])
def test_predictions_of_other_images_are_judged_as_two_proportions(tmp_path: Path, difference: dict[str, int]) -> None:
    first, second = study(tmp_path / "a", "one", [0.95]), study(tmp_path / "b", "other", [0.96])
    predict(first, 0, slice(0, 40))
    predict(second, 0, slice(30, 50), **difference)

    best = compared(first, second).pairs[0].best

    assert best is not None
    assert (best.images, best.method) == ("test", "two-proportion")
    assert best.first.alone is None


def test_best_trials_without_test_scores_are_compared_on_their_validation_images(tmp_path: Path) -> None:
    first, second = study(tmp_path / "a", "one", [0.98]), study(tmp_path / "b", "other", [0.982])

    best = compared(first, second).pairs[0].best

    assert best is not None
    assert best.gap == independent_difference(0.98, IMAGES, 0.982, IMAGES)
    assert best.sentence == (
        "other and one may be equal: 0.20 points apart on 10,000 validation images, which is noise "
        "(95 % interval -0.18 to 0.58)"
    )


def test_worse_study_is_named_last_whichever_comes_first() -> None:
    gap = ShareDifference(-0.02, -0.03, -0.01)
    sentence = Difference("validation", Side("first", 0, 0.98, 100), Side("second", 0, 0.96, 200), gap).sentence

    assert sentence == (
        "first is better than second by 2.00 points on 100 and 200 validation images (95 % interval 1.00 to 3.00)"
    )


def test_fields_of_the_specs_that_differ_are_listed(tmp_path: Path) -> None:
    found = compared(study(tmp_path / "a", "one", [0.9]), study(tmp_path / "b", "other", [0.9], epochs=9)).fields

    assert [(field.name, list(field.texts)) for field in found] == [("training.epochs", ["3", "9"])]


def test_study_without_a_complete_trial_is_shown_without_a_verdict(tmp_path: Path) -> None:
    found = compared(study(tmp_path / "a", "one", [0.9]), study(tmp_path / "b", "other", [0.9], pruned=(0,)))

    assert found.pairs[0].best is None
    assert found.as_json()["comparisons"] == [
        {"first": "one", "second": "other", "best": None, "trials": [], "sentence": None}
    ]


@pytest.mark.parametrize(
    ("names", "labels"),
    [(("mlp", "lenet"), ["mlp", "lenet"]), (("mlp", "mlp"), ["a", "b"])],
)
def test_studies_are_called_by_what_tells_them_apart(tmp_path: Path, names: tuple[str, str], labels: list[str]) -> None:
    paths = [study(tmp_path / folder, name, [0.9]).path for folder, name in zip("ab", names, strict=True)]

    assert [each.label for each in read_compared_studies(paths)] == labels


def test_folders_of_one_name_are_called_by_their_paths(tmp_path: Path) -> None:
    paths = [study(tmp_path / folder / "run", "mlp", [0.9]).path for folder in "ab"]

    assert [each.label for each in read_compared_studies(paths)] == list(map(str, paths))


def test_a_study_is_not_compared_with_itself(tmp_path: Path) -> None:
    path = study(tmp_path / "a", "one", [0.9]).path

    with pytest.raises(InputError, match="named more than once"):
        compare_studies([path, tmp_path / "." / "a"])
    with pytest.raises(InputError, match="at least two"):
        compare_studies([path])


def test_each_other_study_is_compared_with_the_first(tmp_path: Path) -> None:
    run_dirs = [study(tmp_path / name, name, [value]) for name, value in (("a", 0.9), ("b", 0.95), ("c", 0.8))]

    pairs = compared(*run_dirs).pairs

    assert [(pair.first.label, pair.second.label) for pair in pairs] == [("a", "b"), ("a", "c")]
    assert all(isinstance(pair.first, ComparedStudy) for pair in pairs)
