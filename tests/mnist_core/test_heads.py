"""The heads: targets, names of classes and labels, and the tags of their accuracies."""

import numpy as np
import pytest

from mnist_core.config import CLASS_NAMES, MODELS
from mnist_core.data.dataset import CLASSES
from mnist_core.heads import DIGIT, MULTITASK_DIGIT, MULTITASK_PARITY, head_accuracy_tags

DIGITS = np.arange(CLASSES, dtype=np.uint8)


def test_targets_are_the_digits_or_their_parity_as_uint8() -> None:
    for head, expected in ((DIGIT, DIGITS), (MULTITASK_DIGIT, DIGITS), (MULTITASK_PARITY, DIGITS & 1)):
        targets = head.targets(DIGITS)
        assert targets.dtype == np.uint8
        np.testing.assert_array_equal(targets, expected)


def test_class_names_follow_the_targets() -> None:
    assert [DIGIT.class_names[target] for target in DIGIT.targets(DIGITS)] == list("0123456789")
    assert [MULTITASK_PARITY.class_names[target] for target in MULTITASK_PARITY.targets(DIGITS[:3])] == [
        "even",
        "odd",
        "even",
    ]


def test_labels_have_the_tutorials_names() -> None:
    names = [head.label_name for head in (DIGIT, MULTITASK_DIGIT, MULTITASK_PARITY)]
    assert names == ["softmax_label", "softmaxdigit_label", "softmaxparity_label"]


@pytest.mark.parametrize("kind", MODELS)
def test_heads_with_the_same_name_have_the_same_classes(kind: str) -> None:
    assert {head.name: head.class_names for head in MODELS[kind].heads}.items() <= CLASS_NAMES.items()


def test_accuracy_by_head_is_measured_by_networks_with_several_heads() -> None:
    assert head_accuracy_tags("val", ["digit"]) == {"digit": "val/digit_accuracy"}
    assert head_accuracy_tags("test", ["digit", "parity"]) == {
        "digit": "test/digit_accuracy",
        "parity": "test/parity_accuracy",
    }
