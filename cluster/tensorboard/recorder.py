"""Writes the TensorBoard view of a study: a run for each trial, and the run `study`. Decides nothing.

Whatever is lost here can be rebuilt from the store, so a full disk only stops the view.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from typing_extensions import override

from cluster.driver.observer import StudyEvent, StudyObserver, TrialEnded, TrialMeasured, TrialStarted
from cluster.results.network_graph import GraphNode, read_network
from cluster.results.pictures import (
    Floats,
    Integers,
    Picture,
    confusion_picture,
    labelled_digits,
    predicted_digits,
)
from cluster.run_dir.paths import RunDir
from cluster.spec.space import Params
from cluster.tensorboard.event_files import append_events, event_files, is_intact, next_event_file
from cluster.tensorboard.hparams import SESSION_END, session_end, session_start
from cluster.trial import TrialState
from mnist_core.data.dataset import UInt8Array
from mnist_core.lean_import import hidden_packages
from mnist_core.measurement import Measurement

with hidden_packages("torch"):  # tensorboardX imports it to accept tensors, which takes a second
    from tensorboardX.proto.attr_value_pb2 import AttrValue
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.graph_pb2 import GraphDef
    from tensorboardX.proto.node_def_pb2 import NodeDef
    from tensorboardX.proto.summary_pb2 import Summary
    from tensorboardX.proto.versions_pb2 import VersionDef

FIRST_IMAGES = 10
# A confusion matrix takes a hundred times as long as the scalars of an epoch, so a trial's are drawn only once per this
# many seconds of its training, and at its end.
PICTURES_EVERY_S = 10.0


@dataclass
class _Run:
    """The event file of one run, and what has been written to it.

    Attributes:
        file: the file that events are appended to.
        start: what the file starts with.
        epoch: the last epoch written.
        pending_images: the last measurement, until its pictures are drawn.
        drawn_s: seconds of training up to the last pictures.
    """

    file: Path
    start: Sequence[Any] = ()
    epoch: int = 0
    pending_images: Measurement | None = None
    drawn_s: float = 0.0


class Recorder(StudyObserver):
    """An observer that writes TensorBoard's event files.

    Each call opens a file, appends to it and closes it, which takes 10 microseconds: no file stays open, readers see a
    measurement at once, and a failed write raises here instead of killing a thread. No fsync: these files can be
    rebuilt from the store.

    Attributes:
        problem: why the view is no longer written, in one sentence; None while it is written.
    """

    def __init__(self, run_dir: RunDir, objective: str) -> None:
        """Writes nothing yet; `objective` is a tag, the metric of the HParams page."""
        self.problem: str | None = None
        self._run_dir = run_dir
        self._objective = objective
        self._unfinished: dict[int, _Run] = {}

    @override
    def notify(self, event: StudyEvent) -> None:
        match event:
            case TrialStarted(trial):
                if trial.number not in self._unfinished:
                    self._unfinished[trial.number] = self._new_run(trial.number, trial.model.kind, trial.params)
            case TrialMeasured(number, measurement):
                self._write_epoch(number, measurement)
            case TrialEnded(number, state):
                self._write_end(number, state)
            case _:
                pass

    def rebuild(
        self,
        number: int,
        model: str,
        params: Params,
        measurements: Sequence[Measurement],
        state: TrialState | None,
    ) -> None:
        """Rewrites a trial's files from the store's data, without predictions and network.

        Args:
            number: the trial's number.
            model: the kind of network.
            params: the trial's parameters, by dotted name.
            measurements: all its measurements in the store.
            state: how the trial ended; None if it will continue.
        """
        run = self._unfinished[number] = self._new_run(number, model, params)
        self._delete_events(self._run_dir.trial_tensorboard(number))
        # As if the last epoch had just ended, so that charts over relative time keep their shape.
        begin = time.time() - (measurements[-1].elapsed_s if measurements else 0.0)
        events = [_event(begin + each.elapsed_s, each.epoch, _summaries(run, each)) for each in measurements]
        if events:
            self._append(run, events)
        if state is not None:
            self._write_end(number, state)

    def is_complete(self, number: int) -> bool:
        """Returns whether a trial's files are intact and record its end."""
        try:
            files = [file.read_bytes() for file in event_files(self._run_dir.trial_tensorboard(number))]
        except OSError:
            return False
        return any(SESSION_END.encode() in content for content in files) and all(map(is_intact, files))

    def needs(self, number: int, what: Literal["predictions", "graph"]) -> bool:
        """Returns whether a finished trial's predictions or graph are missing; False if nothing can be written."""
        return self.problem is None and not any(event_files(self._run_dir.trial_tensorboard(number), f".{what}"))

    def write_first_images(self, images: UInt8Array, labels: UInt8Array) -> None:
        """Writes the first ten images, (n, 28, 28) uint8, with their labels, (n,), to the run `study`."""
        run = _Run(next_event_file(self._run_dir.study_tensorboard))
        self._delete_events(self._run_dir.study_tensorboard)
        picture = labelled_digits(images[:FIRST_IMAGES], labels[:FIRST_IMAGES])
        self._append(run, [_event(time.time(), 0, [_image("samples/first_images", picture)])])

    def write_predictions(
        self, number: int, images: UInt8Array, labels: Integers, predicted: Integers, probability: Floats
    ) -> None:
        """Writes what a trial's network predicts for some images; see `predicted_digits` for the arrays."""
        picture = predicted_digits(images, labels, predicted, probability)
        self._replace(number, "predictions", _event(time.time(), 0, [_image("samples/predictions", picture)]))

    def write_graph(self, number: int, symbol_json: str) -> None:
        """Writes a trial's network, as `Symbol.tojson()` gives it, for the Graphs tab."""
        nodes = [_graph_node(node) for node in read_network(symbol_json)]
        graph = GraphDef(node=nodes, versions=VersionDef(producer=22))
        self._replace(number, "graph", Event(wall_time=time.time(), graph_def=graph.SerializeToString()))

    def close(self) -> None:
        """Forgets the unfinished trials; there are no open files."""
        self._unfinished.clear()

    def _write_epoch(self, number: int, measurement: Measurement) -> None:
        """Writes an epoch, unless a trial that repeats epochs has already written it."""
        run = self._run(number)
        if measurement.epoch > run.epoch:
            self._append(run, [_event(time.time(), measurement.epoch, _summaries(run, measurement))])

    def _write_end(self, number: int, state: TrialState) -> None:
        """Draws the last epoch and records the trial's end; the HParams page shows the last scalar as its value."""
        run = self._run(number)
        last = [_event(time.time(), run.epoch, _pictures(run.pending_images))] if run.pending_images else []
        self._append(run, [*last, _event(time.time(), 0, [session_end(state)])])
        self._unfinished.pop(number, None)

    def _run(self, number: int) -> _Run:
        """Returns the run of an unfinished trial, or a run with a new file for additions to a finished one."""
        return self._unfinished.get(number) or _Run(next_event_file(self._run_dir.trial_tensorboard(number)))

    def _new_run(self, number: int, model: str, params: Params) -> _Run:
        """Returns a run whose file will start with what the HParams page needs."""
        file = next_event_file(self._run_dir.trial_tensorboard(number))
        return _Run(file, session_start({"model": model, **params}, self._objective))

    def _replace(self, number: int, what: str, event: Event) -> None:
        """Writes an addition to a finished trial to a separate file, which replaces an earlier one."""
        folder = self._run_dir.trial_tensorboard(number)
        file = next_event_file(folder, f".{what}")
        self._delete_events(folder, f".{what}")
        self._append(_Run(file), [event])

    def _append(self, run: _Run, events: Iterable[Event]) -> None:
        if self.problem is not None:
            return  # TensorBoard reads nothing after a truncated record
        try:
            append_events(run.file, lambda: _head(run), events)
        except OSError as err:
            self._give_up(run.file, err)

    def _delete_events(self, folder: Path, what: str = "") -> None:
        if self.problem:  # they could not be rewritten
            return
        try:
            for file in event_files(folder, what):
                file.unlink()
        except OSError as err:
            self._give_up(folder, err)

    def _give_up(self, path: Path, err: OSError) -> None:
        self.problem = self.problem or (
            f"TensorBoard logging stopped: cannot write {path} ({err.strerror}). Fix it, then `mxtrials resume`; "
            "the study itself is unaffected"
        )


def _head(run: _Run) -> list[Event]:
    return [_event(time.time(), 0, run.start)] if run.start else []


def _event(wall_time_s: float, step: int, values: Iterable[Summary.Value]) -> Event:
    return Event(wall_time=wall_time_s, step=step, summary=Summary(value=values))


def _summaries(run: _Run, measurement: Measurement) -> list[Summary.Value]:
    """Returns an epoch's scalars, and its pictures if the last ones are old enough."""
    run.epoch = measurement.epoch
    run.pending_images = measurement
    scalars = [Summary.Value(tag=tag, simple_value=value) for tag, value in measurement.metrics.items()]
    if measurement.elapsed_s - run.drawn_s < PICTURES_EVERY_S:
        return scalars
    run.pending_images = None
    run.drawn_s = measurement.elapsed_s
    return scalars + _pictures(measurement)


def _pictures(measurement: Measurement) -> list[Summary.Value]:
    matrices = measurement.confusion.items()
    return [_image(f"confusion/{head}", confusion_picture(counts, head)) for head, counts in matrices]


def _image(tag: str, picture: Picture) -> Summary.Value:
    image = Summary.Image(height=picture.height, width=picture.width, colorspace=3, encoded_image_string=picture.png)
    return Summary.Value(tag=tag, image=image)


def _graph_node(node: GraphNode) -> NodeDef:
    attributes = {key: AttrValue(s=value.encode()) for key, value in node.attributes.items()}
    return NodeDef(name=node.name, op=node.op, input=node.inputs, attr=attributes)
