"""The best value so far, and learning curves that stay readable and few enough to send."""

import math
from dataclasses import replace

from cluster.analysis.progress import LearningCurve, best_so_far, drawn_range, has_metric, learning_curves
from cluster.trial import TrialState
from tests.cluster.analysis.studies import attempt, recorded, study


def test_best_so_far_follows_the_ends_of_the_trials_and_counts_complete_ones_only() -> None:
    steps = best_so_far(
        study(
            recorded(0, [0.5], attempts=[attempt(started_at=100, ended_at=130)]),
            recorded(1, [0.9], TrialState.PRUNED, [attempt(started_at=100, ended_at=120)]),
            recorded(2, [0.4], attempts=[attempt(started_at=120, ended_at=140)]),
            recorded(3, [0.6], attempts=[attempt(started_at=130, ended_at=150)]),
        )
    )

    assert [step.number for step in steps] == [1, 0, 2, 3]
    assert [step.ended_s for step in steps] == [20, 30, 40, 50]
    assert [step.best for step in steps] == [None, 0.5, 0.5, 0.6]
    assert [step.is_new for step in steps] == [False, True, False, True]


def test_best_loss_so_far_falls() -> None:
    trials = [recorded(0, [0.5], value=0.5), recorded(1, [0.6], value=0.4), recorded(2, [0.4], value=0.6)]

    assert [step.best for step in best_so_far(study(*trials, objective="val/loss"))] == [0.5, 0.4, 0.4]


def test_diverged_and_running_trials_have_no_step() -> None:
    steps = best_so_far(
        study(recorded(0, [math.nan], TrialState.FAIL), recorded(1, [0.5], TrialState.RUNNING), recorded(2))
    )

    assert steps == []


def test_learning_curve_holds_training_and_validation_by_epoch() -> None:
    (curve,) = learning_curves(study(recorded(3, [0.5, 0.75], TrialState.PRUNED)), "accuracy")

    assert [(point.epoch, point.train, point.val) for point in curve.points] == [(1, 0.25, 0.5), (2, 0.375, 0.75)]
    assert curve.is_shortened


def test_network_with_one_head_has_its_training_accuracy_as_that_of_its_digits() -> None:
    (curve,) = learning_curves(study(recorded(0, [0.5])), "digit_accuracy")

    assert [point.train for point in curve.points] == [0.25]


def test_value_that_is_not_finite_is_a_gap() -> None:
    (curve,) = learning_curves(study(recorded(0, [0.5, math.inf])), "accuracy")

    assert [point.val for point in curve.points] == [0.5, None]


def test_many_epochs_are_thinned_but_keep_the_ends_of_every_curve() -> None:
    curves = learning_curves(study(*(recorded(number, [0.5] * 10) for number in range(10))), "accuracy", most_points=40)

    assert {tuple(point.epoch for point in curve.points) for curve in curves} == {(1, 4, 7, 10)}


def test_drawn_range_leaves_out_only_what_lies_far_on_the_bad_side() -> None:
    curves = learning_curves(study(recorded(0, [0.1, *[0.96, 0.97, 0.98, 0.99] * 5])), "accuracy")
    (plain,) = [
        drawn_range([curve], higher_is_better=True)
        for curve in learning_curves(study(recorded(0, [0.97, 0.98])), "unknown")
    ]
    low, high = drawn_range([_without_train(curve) for curve in curves], higher_is_better=True) or (0, 0)

    assert plain is None
    assert 0.9 < low < 0.96
    assert high > 0.99


def test_metric_that_no_trial_measured_is_missing() -> None:
    record = study(recorded(0, [0.5]), recorded(1))

    assert has_metric(record, "val/loss")
    assert not has_metric(record, "val/parity_accuracy")


def _without_train(curve: LearningCurve) -> LearningCurve:
    return replace(curve, points=[replace(point, train=None) for point in curve.points])
