"""Compares studies with the first of them: their best trials, the trials that they have in common, and their specs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.analysis.comparison.compared_study import ComparedStudy, digits_right, read_compared_studies
from cluster.analysis.comparison.differences import Difference, difference_on_test, difference_on_validation
from cluster.analysis.spec_changes import spec_fields
from cluster.spec.space import canonical_json
from cluster.trial import TrialRecord


@dataclass(frozen=True)
class ComparedField:
    """A field of the spec that differs between the studies; texts by study, None if its spec has no such field."""

    name: str
    texts: Sequence[str | None]


@dataclass(frozen=True)
class TrialPair:
    """A trial of the first study and one of another study, with the same searched parameters and the same seed."""

    first: TrialRecord
    second: TrialRecord
    difference: Difference


@dataclass(frozen=True)
class StudyPair:
    """The first study and another one.

    Attributes:
        second: the other study.
        best: how the best trials of the two differ: on the test images if both were scored; None if one has no trial.
        trials: the complete trials that both have, by number.
    """

    first: ComparedStudy
    second: ComparedStudy
    best: Difference | None
    trials: Sequence[TrialPair]

    @property
    def sentence(self) -> str:
        """How often the second study is better in the trials that both have; "" if it has none, or one only."""
        if len(self.trials) < 2:
            return ""
        gaps = [pair.difference.gap for pair in self.trials]
        better = sum(gap.value > 0 and not gap.is_noise for gap in gaps)
        worse = sum(gap.value < 0 and not gap.is_noise for gap in gaps)
        return (
            f"of {len(gaps)} trials with the same parameters and seed, {self.second.label} is better in {better}, "
            f"{self.first.label} in {worse}, and {sum(gap.is_noise for gap in gaps)} differ within noise"
        )


@dataclass(frozen=True)
class Comparison:
    """Studies side by side.

    Attributes:
        studies: in the order in which they were named.
        pairs: the first study with each of the others.
        fields: of their specs, those that differ.
    """

    studies: Sequence[ComparedStudy]
    pairs: Sequence[StudyPair]
    fields: Sequence[ComparedField]

    def as_json(self) -> dict[str, object]:
        """Returns the document that `compare --json` prints; its numbers may be NaN or infinite."""
        return {
            "studies": [_study_document(study) for study in self.studies],
            "comparisons": [_pair_document(pair) for pair in self.pairs],
            "spec": {
                field.name: {study.label: text for study, text in zip(self.studies, field.texts, strict=True)}
                for field in self.fields
            },
        }


def compare_studies(paths: Sequence[Path]) -> Comparison:
    """Compares studies, even while they are running.

    Raises:
        InputError: there are fewer than two, or one is named twice.
        RunDirError: a store cannot be read.
        SpecError: a spec cannot be read, or is no longer the one that its study was started with.
    """
    studies = read_compared_studies(paths)
    first, *others = studies
    return Comparison(studies, [_pair(first, other) for other in others], list(_differing_fields(studies)))


def _pair(first: ComparedStudy, second: ComparedStudy) -> StudyPair:
    best = None
    if first.best is not None and second.best is not None:
        trials = first, first.best.trial, second, second.best.trial
        best = difference_on_test(*trials) or difference_on_validation(*trials)
    return StudyPair(first, second, best, list(_trial_pairs(first, second)))


def _trial_pairs(first: ComparedStudy, second: ComparedStudy) -> Iterator[TrialPair]:
    # Pruned trials trained for different times, so only complete ones compare.
    mine = {_identity(trial): trial for trial in reversed(first.complete)}
    for theirs in second.complete:
        trial = mine.get(_identity(theirs))
        difference = trial and difference_on_validation(first, trial, second, theirs)
        if trial and difference:
            yield TrialPair(trial, theirs, difference)


def _identity(trial: TrialRecord) -> tuple[str, int]:
    return canonical_json(dict(trial.params)), trial.seed


def _differing_fields(studies: Sequence[ComparedStudy]) -> Iterator[ComparedField]:
    specs = [{field.name: field.value for field in spec_fields(study.record.summary.spec)} for study in studies]
    names = dict.fromkeys(name for spec in specs for name in spec)
    for name in names:
        texts = [spec.get(name) for spec in specs]
        if name != "name" and len(set(texts)) > 1:
            yield ComparedField(name, texts)


def _study_document(study: ComparedStudy) -> dict[str, object]:
    summary, best = study.record.summary, study.best
    return {
        "label": study.label,
        "path": str(study.run_dir.path),
        "state": summary.state,
        "objective": summary.spec.search.objective,
        "trials": len(summary.trials),
        "states": summary.counts(),
        "best": best and _best_document(study, best.trial),
    }


def _best_document(study: ComparedStudy, best: TrialRecord) -> Mapping[str, object]:
    return {
        "number": best.number,
        "model": best.model,
        "params": best.params,
        "value": best.value,
        "epochs": best.epochs,
        "seconds": round(best.seconds, 3),
        "validation_accuracy": digits_right(best.metrics, "val"),
        "validation_images": study.validation_images,
        "test_accuracy": digits_right(best.test or {}, "test"),
        "test_images": study.test_images(best.number) or None,
    }


def _pair_document(pair: StudyPair) -> dict[str, object]:
    return {
        "first": pair.first.label,
        "second": pair.second.label,
        "best": pair.best and pair.best.as_json(),
        "trials": [
            {"params": each.first.params, "seed": each.first.seed, **each.difference.as_json()} for each in pair.trials
        ],
        "sentence": pair.sentence or None,
    }
