"""Makes the summaries from which TensorBoard's HParams page shows a trial. Writes nothing."""

import sys
import time

from cluster.spec.space import Params, ParamValue, format_param
from cluster.trial import TrialState
from mnist_core.lean_import import hidden_packages

with hidden_packages("torch"):  # see event_files.py
    from tensorboardX.proto.api_pb2 import DataType, Experiment, HParamInfo, MetricInfo, MetricName, Status
    from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
    from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata

SESSION_END = "session_end_info"


def session_start(hparams: Params, objective: str) -> list[Summary.Value]:
    """Returns what a trial's file starts with: the page's columns and the trial's values; `objective` is a tag."""
    columns = [HParamInfo(name=name, type=_data_type(value)) for name, value in hparams.items()]
    metric = MetricInfo(name=MetricName(tag=objective), description="The objective of the study.")
    start = SessionStartInfo(start_time_secs=time.time())
    for name, value in hparams.items():
        _set_hparam(start, name, value)
    experiment = _summary("experiment", experiment=Experiment(hparam_infos=columns, metric_infos=[metric]))
    return [experiment, _summary("session_start_info", session_start_info=start)]


def session_end(state: TrialState) -> Summary.Value:
    """Returns the record of a trial's end."""
    status = "STATUS_FAILURE" if state is TrialState.FAIL else "STATUS_SUCCESS"
    return _summary(
        SESSION_END, session_end_info=SessionEndInfo(status=Status.Value(status), end_time_secs=time.time())
    )


def _summary(name: str, **content: Experiment | SessionStartInfo | SessionEndInfo) -> Summary.Value:
    data = HParamsPluginData(version=0, **content).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=data)
    return Summary.Value(tag=f"_hparams_/{name}", metadata=SummaryMetadata(plugin_data=plugin))


def _data_type(value: ParamValue) -> int:
    if isinstance(value, bool):
        return int(DataType.DATA_TYPE_BOOL)
    is_number = value is None or isinstance(value, int | float)  # None stands in for a missing number
    return int(DataType.DATA_TYPE_FLOAT64 if is_number else DataType.DATA_TYPE_STRING)


def _set_hparam(start: SessionStartInfo, name: str, value: ParamValue) -> None:
    """Sets numbers, booleans and strings unchanged, lists and mappings as text; leaves missing numbers empty."""
    if isinstance(value, bool):
        start.hparams[name].bool_value = value
    elif isinstance(value, int | float):
        if abs(value) <= sys.float_info.max:
            start.hparams[name].number_value = value
    elif value is not None:
        start.hparams[name].string_value = format_param(value)
