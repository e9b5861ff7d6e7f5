"""Makes the summaries from which TensorBoard's HParams page shows the trials. Writes nothing.

Of all studies below its folder, TensorBoard reads the columns of one only. So every study writes the same columns: each
field of a network or of training that a spec can search, with its value even if it is not searched, and metrics that
every trial has. Those that differ within the study are marked, and TensorBoard shows them first.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tensorboard.plugins.hparams.api_pb2 import (
    DATA_TYPE_BOOL,
    DATA_TYPE_FLOAT64,
    DATA_TYPE_STRING,
    STATUS_FAILURE,
    STATUS_SUCCESS,
    Experiment,
    HParamInfo,
    MetricInfo,
    MetricName,
)
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

from cluster.spec.candidates import Candidate, variants
from cluster.spec.space import format_param
from cluster.spec.study_spec import StudySpec
from cluster.tensorboard.summaries import Summary, SummaryMetadata
from cluster.trial import TrialSpec, TrialState
from mnist_core.config import MODELS, ModelConfig, ScheduleConfig, TrainingConfig

SESSION_END = "session_end_info"

# How many columns the page shows until others are chosen: those marked as differing, by name, before the others.
SHOWN_COLUMNS = 5
NETWORK, STATE = "network", "state"
NOT_THERE = "-"
"""The value of a field that a network does not have."""

OBJECTIVE_TAG, EPOCHS_TAG, SECONDS_TAG = "trial/objective", "trial/epochs", "trial/seconds"
# TensorBoard leaves out a trial that lacks one of the metrics that are shown.
METRICS = {
    OBJECTIVE_TAG: "objective",
    EPOCHS_TAG: "epochs",
    SECONDS_TAG: "seconds",
}
"""Tag of a scalar that every trial has -> its name on the page."""

Cell = str | float | bool

_MODEL_FIELDS = tuple(dict.fromkeys(name for model in MODELS.values() for name in model.model_fields if name != "kind"))


@dataclass(frozen=True)
class TrialEnd:
    """How a trial ended. objective: None before its first epoch."""

    state: TrialState
    objective: float | None
    epochs: int
    seconds: float


class HParamsPage:
    """The rows and columns that a study adds to the page."""

    def __init__(self, spec: StudySpec) -> None:
        """Finds out which values the columns may have."""
        self._values = _values_of_study(spec)
        self._first = _first_columns(spec)
        self._texts = {name for name, values in self._values.items() if any(isinstance(each, str) for each in values)}

    def experiment(self) -> Summary.Value:
        """Returns the columns of the page."""
        columns = [self._column(name, values) for name, values in self._values.items()]
        metrics = [MetricInfo(name=MetricName(tag=tag), display_name=name) for tag, name in METRICS.items()]
        return _summary("experiment", experiment=Experiment(hparam_infos=columns, metric_infos=metrics))

    def session(self, trial: TrialSpec, end: TrialEnd, ended_at: float) -> list[Summary.Value]:
        """Returns the row of a trial that has ended.

        TensorBoard keeps the first row that it reads of a trial, so there is none before the trial's state is known.
        """
        start = SessionStartInfo(start_time_secs=ended_at - end.seconds)
        for name, value in cells(trial.model, trial.training).items():
            _set_hparam(start, name, self._typed(name, value))
        _set_hparam(start, STATE, _state_word(end.state))
        status = STATUS_FAILURE if end.state is TrialState.FAIL else STATUS_SUCCESS
        metrics = {EPOCHS_TAG: end.epochs, SECONDS_TAG: end.seconds}
        if end.objective is not None and math.isfinite(end.objective):
            metrics[OBJECTIVE_TAG] = end.objective
        return [
            *(Summary.Value(tag=tag, simple_value=value) for tag, value in metrics.items()),
            _summary("session_start_info", session_start_info=start),
            _summary(SESSION_END, session_end_info=SessionEndInfo(status=status, end_time_secs=ended_at)),
        ]

    def _column(self, name: str, values: list[Cell]) -> HParamInfo:
        column = HParamInfo(name=name, type=self._data_type(name, values), differs=name in self._first)
        if name in self._texts:  # else the page offers no filter for it
            column.domain_discrete.extend([self._typed(name, value) for value in values])
        return column

    def _data_type(self, name: str, values: list[Cell]) -> int:
        if name in self._texts:
            return int(DATA_TYPE_STRING)
        return int(DATA_TYPE_BOOL if all(isinstance(value, bool) for value in values) else DATA_TYPE_FLOAT64)

    def _typed(self, name: str, value: Cell) -> Cell:
        """Returns a value as its column holds it: a number as text if other trials of the study have text."""
        return format_param(value) if name in self._texts else value


def cells(model: ModelConfig, training: TrainingConfig) -> dict[str, Cell]:
    """Returns column -> value of what a trial trains and how, except its state."""
    return {**_model_cells(model), **dict(training), "schedule": _schedule_cell(training.schedule)}


@lru_cache(maxsize=256)  # few of them differ, and most of the time of a row goes here
def _model_cells(model: ModelConfig) -> dict[str, Cell]:
    return {NETWORK: model.kind, **{name: _cell(getattr(model, name, None)) for name in _MODEL_FIELDS}}


@lru_cache(maxsize=256)
def _schedule_cell(schedule: ScheduleConfig) -> str:
    return format_param(schedule.model_dump(mode="json"))


def _cell(value: tuple[int, ...] | Cell | None) -> Cell:
    """Returns numbers, booleans and strings unchanged, lists as text."""
    if value is None:
        return NOT_THERE
    return format_param(list(value)) if isinstance(value, tuple) else value


def _values_of_study(spec: StudySpec) -> dict[str, list[Cell]]:
    """Returns column -> the values that the choices and bounds of the space lead to, each once."""
    found: dict[str, dict[Cell, None]] = {}
    for name in spec.search.space or ("",):
        for candidate in _variants(spec, name):
            for column, value in cells(candidate.model, candidate.training).items():
                found.setdefault(column, {})[value] = None
    states: list[Cell] = [_state_word(state) for state in TrialState if state.is_finished()]
    return {**{column: list(values) for column, values in found.items()}, STATE: states}


def _first_columns(spec: StudySpec) -> set[str]:
    """Returns the columns that the page shows at first: state, network, what is searched, what depends on the network.

    It marks as many as the page shows; a column beyond them could take the place of the state.
    """
    kinds, searched, by_network = spec.model_kinds, [], []
    for name in spec.search.space:
        rows = [cells(candidate.model, candidate.training) for candidate in _variants(spec, name)]
        for column in rows[0]:
            values = {kind: {row[column] for row in rows if row[NETWORK] == kind} for kind in kinds}
            if any(len(each) > 1 for each in values.values()):
                searched.append(column)
            elif len(set().union(*values.values())) > 1:
                by_network.append(column)
    return set(list(dict.fromkeys([STATE, NETWORK, *searched, *by_network]))[:SHOWN_COLUMNS])


def _variants(spec: StudySpec, name: str) -> Iterator[Candidate]:
    """Yields what a trial trains with each value of an entry, for each network that it may train."""
    space, whole = spec.search.space, ("model", "model.kind")
    bases = variants(spec.base, space, whole)
    if name in whole:
        yield from bases
        return
    for base in bases if name.startswith("model.") else bases[:1]:
        yield from variants(base, space, [name])


def _state_word(state: TrialState) -> str:
    return "failed" if state is TrialState.FAIL else state.value.lower()


def _summary(name: str, **content: Experiment | SessionStartInfo | SessionEndInfo) -> Summary.Value:
    data = HParamsPluginData(version=0, **content).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=data)
    return Summary.Value(tag=f"_hparams_/{name}", metadata=SummaryMetadata(plugin_data=plugin))


def _set_hparam(start: SessionStartInfo, name: str, value: Cell) -> None:
    if isinstance(value, bool):
        start.hparams[name].bool_value = value
    elif isinstance(value, str):
        start.hparams[name].string_value = value
    else:
        start.hparams[name].number_value = value
