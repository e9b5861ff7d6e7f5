"""Why a trial ended, in one sentence that names whom it was compared with."""

from cluster.analysis.endings import endings
from cluster.trial import TrialState
from tests.cluster.analysis.studies import attempt, recorded, study


def test_pruned_trial_names_the_best_of_its_kind_at_that_epoch() -> None:
    record = study(
        recorded(0, [0.9833, 0.99]),
        recorded(1, [0.9786], TrialState.PRUNED),
        recorded(2, [0.9999, 1.0], model="lenet"),
    )

    assert endings(record)[1] == "epoch 1 of 10: 0.9786, where trial 0 had 0.9833"


def test_pruned_trial_that_was_the_best_at_its_epoch_names_nobody() -> None:
    assert endings(study(recorded(1, [0.9786], TrialState.PRUNED)))[1] == "epoch 1 of 10"


def test_failed_waiting_and_running_trials_say_why() -> None:
    record = study(
        recorded(0, [0.5], TrialState.FAIL, error="the loss is nan"),
        recorded(1, state=TrialState.WAITING, attempts=[attempt(outcome="lost", error="node died")]),
        recorded(2, [0.5], TrialState.RUNNING),
    )

    assert endings(record) == {
        0: "the loss is nan",
        1: "waits for another attempt: node died",
        2: "in epoch 2 of 10",
    }


def test_complete_trial_only_tells_of_failed_attempts() -> None:
    crashed = attempt(outcome="crashed", error="worker died")
    record = study(recorded(0, [0.5]), recorded(1, [0.5], attempts=[crashed, attempt(2)]))

    assert endings(record) == {0: "", 1: "after 1 failed attempt"}
