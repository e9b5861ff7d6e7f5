"""A study as a report reads it: the best trials first, and no more than it can show."""

from pathlib import Path

from cluster.analysis.study_record import ranked_trials, read_study_record
from cluster.trial import TrialState
from tests.cluster.analysis.studies import recorded, study
from tests.support.tabled_study import tabled_study


def test_complete_trials_come_first_then_pruned_ones_by_how_far_they_came() -> None:
    record = study(
        recorded(0, [0.99], TrialState.PRUNED),
        recorded(1, [0.5, 0.6]),
        recorded(2, [0.5, 0.4], TrialState.PRUNED),
        recorded(3, state=TrialState.FAIL),
        recorded(4, [0.5, 0.7]),
        recorded(5, [0.98], TrialState.PRUNED),
    )

    assert [trial.number for trial in ranked_trials(record.summary)] == [4, 1, 2, 0, 5, 3]


def test_best_trials_are_read_with_their_epochs_and_the_others_only_counted(tmp_path: Path) -> None:
    record = read_study_record(tabled_study(tmp_path / "run", 20), most=5)

    assert (len(record.trials), len(record.summary.trials)) == (5, 20)
    assert all(len(each.measurements) == 8 == each.epochs for each in record.trials)
    assert record.environment["cores"] == 2
    assert record.times is not None
    values = [each.trial.value or 0.0 for each in record.trials]
    assert values == sorted(values, reverse=True)
