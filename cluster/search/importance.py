"""Which searched fields decide how good a trial is: Optuna's PED-ANOVA."""

from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import create_trial

from cluster.search.bounded_storage import silence_optuna
from cluster.spec.space import ParamValue, canonical_json


def field_importances(values: Mapping[str, Sequence[ParamValue]], log_fields: frozenset[str]) -> dict[str, float]:
    """Returns field -> its importance, the most important first; they sum to 1, or are all 0.

    PED-ANOVA compares how the values of a field are spread over the best tenth of the trials with how they are spread
    over all of them: a field matters if the best trials have values of their own. It depends on the order of the trials
    only, so pruned trials count, which have no value to compare with that of a complete one.

    Args:
        values: field -> its value in each trial, best trial first; all of one length.
        log_fields: fields to compare by their logarithm.
    """
    columns = {field: _codes(column, field in log_fields) for field, column in values.items()}
    distributions = {field: distribution for field, (_, distribution) in columns.items() if distribution is not None}
    if not distributions:
        return dict.fromkeys(values, 0.0)
    count = len(next(iter(values.values())))
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with silence_optuna():
        study = optuna.create_study(direction="minimize")
        study.add_trials(
            [
                create_trial(
                    params={field: columns[field][0][row] for field in distributions},
                    distributions=distributions,
                    value=float(row),
                )
                for row in range(count)
            ]
        )
        found = optuna.importance.get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    shares = {field: float(found.get(field, 0.0)) for field in values}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _codes(column: Sequence[ParamValue], is_log: bool) -> tuple[Sequence[float | int], BaseDistribution | None]:
    """Returns a field's values as Optuna takes them, and their distribution; None if they are all the same."""
    different = list(dict.fromkeys(map(canonical_json, column)))
    if len(different) < 2:
        return [0] * len(column), None
    numbers = [value for value in column if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(column):
        return [different.index(canonical_json(value)) for value in column], CategoricalDistribution(
            range(len(different))
        )
    if all(isinstance(value, int) for value in numbers):
        whole = [int(value) for value in numbers]
        return whole, IntDistribution(min(whole), max(whole), log=is_log and min(whole) > 0)
    return numbers, FloatDistribution(min(numbers), max(numbers), log=is_log and min(numbers) > 0)
