"""Writes the TensorBoard view of a study: a run for each trial, and the run `study`. Reads nothing, decides nothing.

The store is the truth: what is lost here can be written again from it, so a disk that is full stops the view only.
"""

import struct
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cluster.driver.observer import StudyObserver
from cluster.results.network_graph import GraphNode, read_network
from cluster.results.pictures import Floats, Integers, Picture, confusion_picture, labelled_digits, predicted_digits
from cluster.run_dir.paths import RunDir
from cluster.spec.space import Params
from cluster.tensorboard.event_files import event_files, next_event_file
from cluster.tensorboard.hparams import SESSION_END, session_end, session_start
from cluster.trial import TrialState
from mnist_core.data.dataset import UInt8Array
from mnist_core.lean_import import hidden_packages
from mnist_core.measurement import Measurement

with hidden_packages("torch"):  # which its writers take tensors of, and which takes a second to import
    from tensorboardX.proto.attr_value_pb2 import AttrValue
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.graph_pb2 import GraphDef
    from tensorboardX.proto.node_def_pb2 import NodeDef
    from tensorboardX.proto.summary_pb2 import Summary
    from tensorboardX.proto.versions_pb2 import VersionDef
    from tensorboardX.record_writer import masked_crc32c

FIRST_IMAGES = 10
# A confusion matrix takes a hundred times as long as an epoch's scalars: a trial's are drawn at most so often, in
# seconds of its training, and at its end.
PICTURES_EVERY_S = 10.0


@dataclass
class _Run:
    """Where one run's events go from now on.

    Attributes:
        start: what the file begins with.
        epoch: the last one written.
        pending_images: the last measurement, until its pictures are drawn.
        drawn_s: seconds of training up to the last pictures.
    """

    file: Path
    start: Sequence[Any] = ()
    epoch: int = 0
    pending_images: Measurement | None = None
    drawn_s: float = 0.0


class Recorder(StudyObserver):
    """The observer that TensorBoard shows.

    A file is opened, appended to and closed again by each call, which takes 10 microseconds: nothing stays open between
    two, a reader sees a measurement at once, and a failed write is an exception here, not a dead thread. Nothing is
    forced to the disk, for nothing here has to survive it.

    Attributes:
        problem: why the view is no longer written, in one sentence; None while it is.
    """

    def __init__(self, run_dir: RunDir, objective: str) -> None:
        """Touches nothing before there is something to say; `objective` is a tag, the metric of the HParams page."""
        self.problem: str | None = None
        self._run_dir, self._objective = run_dir, objective
        self._unfinished: dict[int, _Run] = {}

    def trial_started(self, number: int, model: str, params: Params, worker: str) -> None:
        """Remembers the trial's choices; its files begin with its first measurement."""
        del worker
        if number not in self._unfinished:
            self._unfinished[number] = self._new_run(number, model, params)

    def measured(self, number: int, measurement: Measurement) -> None:
        """Writes an epoch, unless the trial is being trained again up to where it was."""
        run = self._run(number)
        if measurement.epoch > run.epoch:
            self._append(run, [_event(time.time(), measurement.epoch, _summaries(run, measurement))])

    def trial_ended(self, number: int, state: TrialState, value: float | None, error: str | None) -> None:
        """Draws the last epoch, and tells the HParams page that the trial is over; its value is the last scalar."""
        del value, error
        run = self._run(number)
        last = [_event(time.time(), run.epoch, _pictures(run.pending_images))] if run.pending_images else []
        self._append(run, [*last, _event(time.time(), 0, [session_end(state)])])
        self._unfinished.pop(number, None)

    def rebuild(
        self,
        number: int,
        model: str,
        params: Params,
        measurements: Sequence[Measurement],
        state: TrialState | None,
    ) -> None:
        """Replaces a trial's files by what the store knows of it: no predictions, no network.

        `state` is None if it will go on.
        """
        run = self._unfinished[number] = self._new_run(number, model, params)
        self._delete_events(self._run_dir.trial_tensorboard(number))
        # As if the last epoch had ended now: charts over relative time keep their shape.
        begin = time.time() - (measurements[-1].elapsed_s if measurements else 0.0)
        events = [_event(begin + each.elapsed_s, each.epoch, _summaries(run, each)) for each in measurements]
        if events:
            self._append(run, events)
        if state is not None:
            self.trial_ended(number, state, None, None)

    def is_complete(self, number: int) -> bool:
        """Whether a trial's files are undamaged, and tell that it has ended."""
        try:
            files = [file.read_bytes() for file in event_files(self._run_dir.trial_tensorboard(number))]
        except OSError:
            return False
        return any(SESSION_END.encode() in content for content in files) and all(map(_is_intact, files))

    def has(self, number: int, what: Literal["predictions", "graph"]) -> bool:
        """Whether a finished trial is still without them; not asked for while nothing can be written."""
        return self.problem is None and not any(event_files(self._run_dir.trial_tensorboard(number), f".{what}"))

    def first_images(self, images: UInt8Array, labels: UInt8Array) -> None:
        """Writes the first ten images, (n, 28, 28) uint8, with their labels, (n,), to the run `study`, now or again."""
        run = _Run(next_event_file(self._run_dir.study_tensorboard))
        self._delete_events(self._run_dir.study_tensorboard)
        picture = labelled_digits(images[:FIRST_IMAGES], labels[:FIRST_IMAGES])
        self._append(run, [_event(time.time(), 0, [_image("samples/first_images", picture)])])

    def predictions(
        self, number: int, images: UInt8Array, labels: Integers, predicted: Integers, probability: Floats
    ) -> None:
        """Writes what a trial's network reads in some images; see `predicted_digits` for the arrays."""
        picture = predicted_digits(images, labels, predicted, probability)
        self._replace(number, "predictions", _event(time.time(), 0, [_image("samples/predictions", picture)]))

    def graph(self, number: int, symbol_json: str) -> None:
        """Shows a trial's network, as `Symbol.tojson()` gives it, in the Graphs tab."""
        nodes = [_graph_node(node) for node in read_network(symbol_json)]
        graph = GraphDef(node=nodes, versions=VersionDef(producer=22))
        self._replace(number, "graph", Event(wall_time=time.time(), graph_def=graph.SerializeToString()))

    def close(self) -> None:
        """Forgets the unfinished trials; no file is open."""
        self._unfinished.clear()

    def _run(self, number: int) -> _Run:
        """The run of an unfinished trial; a file of its own for what is said of a finished one."""
        return self._unfinished.get(number) or _Run(next_event_file(self._run_dir.trial_tensorboard(number)))

    def _new_run(self, number: int, model: str, params: Params) -> _Run:
        """A run whose file will begin with what the HParams page needs."""
        file = next_event_file(self._run_dir.trial_tensorboard(number))
        return _Run(file, session_start({"model": model, **params}, self._objective))

    def _replace(self, number: int, what: str, event: Event) -> None:
        """Writes what is said of a finished trial to a file of its own, in the place of what was said before."""
        folder = self._run_dir.trial_tensorboard(number)
        file = next_event_file(folder, f".{what}")
        self._delete_events(folder, f".{what}")
        self._append(_Run(file), [event])

    def _append(self, run: _Run, events: Iterable[Event]) -> None:
        if self.problem is not None:
            return  # behind a record that was cut short TensorBoard reads nothing
        try:
            run.file.parent.mkdir(parents=True, exist_ok=True)
            with run.file.open("ab") as file:
                if file.tell() == 0:
                    events = [*_head(run), *events]
                file.write(b"".join(_record(event.SerializeToString()) for event in events))
        except OSError as err:
            self._give_up(run.file, err)

    def _delete_events(self, folder: Path, what: str = "") -> None:
        if self.problem:  # nothing could be written in their place
            return
        try:
            for file in event_files(folder, what):
                file.unlink()
        except OSError as err:
            self._give_up(folder, err)

    def _give_up(self, path: Path, err: OSError) -> None:
        self.problem = self.problem or (
            f"TensorBoard shows no more of this study, because {path} cannot be written ({err.strerror}): "
            "mend that, and `mxtrials resume` goes on with it; the study itself is not affected"
        )


def _head(run: _Run) -> list[Event]:
    version = Event(wall_time=time.time(), file_version="brain.Event:2")
    return [version, _event(time.time(), 0, run.start)] if run.start else [version]


def _event(wall_time_s: float, step: int, values: Iterable[Summary.Value]) -> Event:
    return Event(wall_time=wall_time_s, step=step, summary=Summary(value=values))


def _summaries(run: _Run, measurement: Measurement) -> list[Summary.Value]:
    """An epoch's scalars, and its pictures where the last ones are old enough."""
    run.epoch, run.pending_images = measurement.epoch, measurement
    scalars = [Summary.Value(tag=tag, simple_value=value) for tag, value in measurement.metrics.items()]
    if measurement.elapsed_s - run.drawn_s < PICTURES_EVERY_S:
        return scalars
    run.pending_images, run.drawn_s = None, measurement.elapsed_s
    return scalars + _pictures(measurement)


def _pictures(measurement: Measurement) -> list[Summary.Value]:
    matrices = measurement.confusion.items()
    return [_image(f"confusion/{head}", confusion_picture(counts, head)) for head, counts in matrices]


def _record(data: bytes) -> bytes:
    """An event as event files hold it: TensorFlow's TFRecord format."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def _is_intact(content: bytes) -> bool:
    """Whether an event file is made of whole records; TensorBoard reads nothing behind one that is not."""
    offset = 0
    while offset < len(content):
        length = int.from_bytes(content[offset : offset + 8], "little")
        record = _record(content[offset + 12 : offset + 12 + length])
        if not content.startswith(record, offset):
            return False
        offset += len(record)
    return True


def _image(tag: str, picture: Picture) -> Summary.Value:
    image = Summary.Image(height=picture.height, width=picture.width, colorspace=3, encoded_image_string=picture.png)
    return Summary.Value(tag=tag, image=image)


def _graph_node(node: GraphNode) -> NodeDef:
    attributes = {key: AttrValue(s=value.encode()) for key, value in node.attributes.items()}
    return NodeDef(name=node.name, op=node.op, input=node.inputs, attr=attributes)
