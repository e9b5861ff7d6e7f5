"""Writes the TensorBoard view of a study: a run for each trial, and the run `study`. Decides nothing."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from cluster.driver.observer import StudyEvent, StudyObserver, TrialEnded, TrialMeasured, TrialStarted
from cluster.run_dir.paths import RunDir
from cluster.spec.study_spec import StudySpec
from cluster.tensorboard.best_page import TestedImages, TrainedNetwork, best_events, confusion_events
from cluster.tensorboard.event_files import EventWriter, event_files, is_intact, next_event_file
from cluster.tensorboard.hparams import SESSION_END, HParamsPage, TrialEnd
from cluster.tensorboard.projector import write_projector
from cluster.tensorboard.run_names import RunNames
from cluster.tensorboard.study_page import WRITE_EVERY_S, EndedTrial, StudyPage
from cluster.tensorboard.summaries import LEARNING_RATE_TAG, Event, event, scalars
from cluster.trial import TrialSpec, TrialState
from mnist_core.measurement import Measurement
from mnist_core.training.schedules import learning_rate

BEST = ".best"
"""How the event file ends that only the best trial of each network has."""
PICTURES = ".pictures"
"""How the event file ends that has the pictures of another trial."""


@dataclass
class _Run:
    """The event file of an unfinished trial, and what has been written to it.

    Attributes:
        file: the file that events are appended to.
        epoch: the last epoch written.
        seconds: of training and evaluation up to that epoch.
        objective: after that epoch.
    """

    trial: TrialSpec
    file: Path
    epoch: int = 0
    seconds: float = 0.0
    objective: float | None = None


class Recorder(StudyObserver):
    """An observer that writes TensorBoard's event files; see `EventWriter` for how.

    Whatever is lost in them can be rebuilt from the store, so a full disk only stops the view.
    """

    def __init__(self, run_dir: RunDir, spec: StudySpec) -> None:
        """Writes nothing yet."""
        self._run_dir = run_dir
        self._objective = spec.search.objective
        self._names = RunNames(spec.search.space)
        self._writer = EventWriter()
        self._unfinished: dict[int, _Run] = {}
        self._hparams = HParamsPage(spec)
        self.study = StudyPage(run_dir.study_tensorboard, spec, self._hparams, self._writer)

    @property
    def problem(self) -> str | None:
        """Why the view is no longer written, in one sentence; None while it is written."""
        return self._writer.problem

    @override
    def notify(self, event: StudyEvent) -> None:
        match event:
            case TrialStarted(trial):
                if trial.number not in self._unfinished:
                    self._unfinished[trial.number] = self._new_run(trial)
            case TrialMeasured(number, measurement):
                self._write_epoch(number, measurement)
            case TrialEnded(number, state):
                if (ended := self._write_end(number, state)) is not None:
                    self.study.add(ended)
            case _:
                pass

    def rebuild(self, trial: TrialSpec, measurements: Sequence[Measurement], state: TrialState | None) -> None:
        """Rewrites a trial's files from the store's data, without what only the best trials have.

        Args:
            trial: the trial.
            measurements: all its measurements in the store.
            state: how the trial ended; None if it will continue.
        """
        run = self._unfinished[trial.number] = self._new_run(trial)
        self._writer.delete(run.file.parent)
        # As if the last epoch had just ended, so that charts over relative time keep their shape.
        begin = time.time() - (measurements[-1].elapsed_s if measurements else 0.0)
        events = [self._epoch_event(run, each, begin + each.elapsed_s) for each in measurements]
        if events:
            self._writer.append(run.file, events)
        if state is not None:
            self._write_end(trial.number, state)

    def is_complete(self, trial: TrialSpec) -> bool:
        """Returns whether a trial's files are intact and record its end."""
        try:
            files = [file.read_bytes() for file in event_files(self.folder(trial))]
        except OSError:
            return False
        return any(SESSION_END.encode() in content for content in files) and all(map(is_intact, files))

    def delete_others(self, trials: Iterable[TrialSpec]) -> None:
        """Deletes the runs of trials under other names than their present ones, such as those of earlier versions."""
        named = {self.folder(trial) for trial in trials}
        for folder in self._run_dir.trials_tensorboard() - named:
            self._writer.delete(folder)
            with suppress(OSError):  # not empty: what others wrote there stays
                folder.rmdir()

    def needs_best(self, trial: TrialSpec) -> bool:
        """Returns whether what `write_best` writes is missing; False if nothing can be written."""
        return self.problem is None and not any(event_files(self.folder(trial), BEST))

    def write_best(
        self,
        trial: TrialSpec,
        measurements: Sequence[Measurement],
        network: TrainedNetwork,
        predictions: TestedImages,
    ) -> None:
        """Writes what only the best trial of each network has, such as pictures; replaces what was written before."""
        folder = self.folder(trial)
        read = predictions.digits.argmax(axis=1)
        write_projector(folder, predictions.features, predictions.images, read, self._writer)
        self._writer.replace(folder, BEST, best_events(measurements, network, predictions))

    def folder(self, trial: TrialSpec) -> Path:
        """Returns the folder of a trial's run."""
        return self._run_dir.trial_tensorboard(trial.number, self._names.of(trial.model.kind, trial.params))

    def write_confusions(self, trial: TrialSpec, measurements: Sequence[Measurement]) -> Path:
        """Draws a trial's confusion matrices, unless it has them as the best of its network; returns its folder."""
        folder = self.folder(trial)
        if not any(event_files(folder, BEST)):
            self._writer.replace(folder, PICTURES, confusion_events(measurements))
        return folder

    def close(self) -> None:
        """Writes what is left, and forgets the unfinished trials; there are no open files."""
        self.study.flush()
        self._unfinished.clear()

    def _write_epoch(self, number: int, measurement: Measurement) -> None:
        """Writes an epoch, unless a trial that repeats epochs has already written it."""
        run = self._unfinished.get(number)
        if run is not None and measurement.epoch > run.epoch:
            now = time.time()
            self._writer.append(run.file, [self._epoch_event(run, measurement, now)])
            self.study.flush(now - WRITE_EVERY_S)

    def _write_end(self, number: int, state: TrialState) -> EndedTrial | None:
        """Records the end of a trial; returns it, or None if the trial was not started."""
        run = self._unfinished.pop(number, None)
        if run is None:
            return None
        now = time.time()
        end = TrialEnd(state, run.objective, run.epoch, run.seconds)
        self._writer.append(run.file, [event(self._hparams.session(run.trial, end, now), run.epoch, now)])
        return EndedTrial(number, run.trial.model.kind, run.file.parent.name, end, now)

    def _new_run(self, trial: TrialSpec) -> _Run:
        return _Run(trial, next_event_file(self.folder(trial)))

    def _epoch_event(self, run: _Run, measurement: Measurement, wall_time_s: float) -> Event:
        run.epoch = measurement.epoch
        run.seconds = measurement.elapsed_s
        run.objective = measurement.metrics.get(self._objective)
        training = run.trial.training
        # At the start of the epoch, which does not depend on the number of its batches.
        rate = learning_rate(training.learning_rate, training.schedule, measurement.epoch - 1, 1, training.epochs)
        return event(scalars({**measurement.metrics, LEARNING_RATE_TAG: rate}), measurement.epoch, wall_time_s)
