"""By how much one trial is better than another, and whether chance may have done it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cluster.analysis.comparison.compared_study import ComparedStudy, digits_right
from cluster.analysis.intervals import ShareDifference, independent_difference, paired_difference
from cluster.results.predictions import TestPredictions
from cluster.trial import TrialRecord
from mnist_core.heads import DIGIT


@dataclass(frozen=True)
class Side:
    """One of two trials.

    Attributes:
        label: of its study.
        trial: its number.
        share: of the digits that it reads right, in [0, 1].
        images: how many images were read.
        alone: how many images it reads right and the other does not; None unless both read the same, one by one known.
    """

    label: str
    trial: int
    share: float
    images: int
    alone: int | None = None


@dataclass(frozen=True)
class Difference:
    """The digits that a second trial reads right, minus those of a first one.

    Attributes:
        images: which ones they read.
        gap: the difference, and its 95 % interval.
    """

    images: Literal["test", "validation"]
    first: Side
    second: Side
    gap: ShareDifference

    @property
    def method(self) -> Literal["mcnemar", "two-proportion"]:
        """How the interval was computed: from what both read image by image, or from the two shares."""
        return "two-proportion" if self.first.alone is None else "mcnemar"

    @property
    def sentence(self) -> str:
        """Which one is better, or that chance may have done it."""
        first, second, gap = self.first, self.second, self.gap
        numbers = dict.fromkeys(f"{side.images:,}" for side in (first, second))
        images = f"{' and '.join(numbers)} {self.images} images"
        better, worse, sign = (first, second, -1) if gap.value < 0 else (second, first, 1)
        low, high = sorted((sign * gap.low, sign * gap.high))
        apart, interval = points(abs(gap.value)), f"95 % interval {points(low)} to {points(high)}"
        if gap.is_noise:
            said = f"{better.label} and {worse.label} may be equal: {apart} points apart on {images}, which is noise"
        else:
            said = f"{better.label} is better than {worse.label} by {apart} points on {images}"
        if better.alone is None or worse.alone is None:
            return f"{said} ({interval})"
        return (
            f"{said} ({interval}; {better.alone:,} are read right by it alone, {worse.alone:,} by {worse.label} alone)"
        )

    def as_json(self) -> dict[str, object]:
        """Returns the difference as `compare --json` prints it; shares are in [0, 1]."""
        return {
            "images": self.images,
            "first": _side_document(self.first),
            "second": _side_document(self.second),
            "difference": self.gap.value,
            "low": self.gap.low,
            "high": self.gap.high,
            "is_noise": self.gap.is_noise,
            "method": self.method,
            "sentence": self.sentence,
        }


def points(share: float) -> str:
    """Returns a difference of shares in percentage points.

    Example:
        >>> points(0.0039), points(-0.0214)
        ('0.39', '-2.14')
    """
    return f"{100 * share:.2f}"


def difference_on_test(
    first_study: ComparedStudy, first: TrialRecord, second_study: ComparedStudy, second: TrialRecord
) -> Difference | None:
    """Returns the difference of two trials on the test images; None unless both have been scored on them."""
    before, after = digits_right(first.test or {}, "test"), digits_right(second.test or {}, "test")
    counts = first_study.test_images(first.number), second_study.test_images(second.number)
    if before is None or after is None or not all(counts):
        return None
    left = Side(first_study.label, first.number, before, counts[0])
    right = Side(second_study.label, second.number, after, counts[1])
    read = first_study.predictions[first.number], second_study.predictions[second.number]
    if first_study.data != second_study.data or not np.array_equal(read[0].labels, read[1].labels):
        return _independent("test", left, right)
    is_right = [_is_right(each) for each in read]  # (n,) each
    only_first, only_second = int((is_right[0] & ~is_right[1]).sum()), int((is_right[1] & ~is_right[0]).sum())
    return Difference(
        "test",
        Side(left.label, left.trial, left.share, left.images, only_first),
        Side(right.label, right.trial, right.share, right.images, only_second),
        paired_difference(only_first, only_second, counts[0]),
    )


def difference_on_validation(
    first_study: ComparedStudy, first: TrialRecord, second_study: ComparedStudy, second: TrialRecord
) -> Difference | None:
    """Returns the difference of two trials on their validation images; None unless both were validated."""
    before, after = digits_right(first.metrics, "val"), digits_right(second.metrics, "val")
    counts = first_study.validation_images, second_study.validation_images
    if before is None or after is None or not all(counts):
        return None
    left = Side(first_study.label, first.number, before, counts[0])
    return _independent("validation", left, Side(second_study.label, second.number, after, counts[1]))


def _independent(images: Literal["test", "validation"], first: Side, second: Side) -> Difference:
    gap = independent_difference(first.share, first.images, second.share, second.images)
    return Difference(images, first, second, gap)


def _is_right(read: TestPredictions) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    digits: np.ndarray[tuple[int], np.dtype[np.bool_]] = read.probabilities[DIGIT.name].argmax(axis=1) == read.labels
    return digits


def _side_document(side: Side) -> dict[str, object]:
    return {
        "study": side.label,
        "trial": side.trial,
        "accuracy": side.share,
        "images": side.images,
        "only_right": side.alone,
    }
