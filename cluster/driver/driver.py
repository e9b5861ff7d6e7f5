"""Decides what happens next to each trial: events in, instructions out. Imports no Ray, MXNet, TensorBoard or SQL."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

from cluster.driver.limits import StudyLimits
from cluster.driver.observer import StudyStopping, TrialEnded, TrialMeasured, TrialStarted, TrialWaiting, WorkersChanged
from cluster.driver.parts import StudyParts
from cluster.driver.queue import Backlog, RunningTrial, WaitingTrial
from cluster.driver.retries import AttemptFailure, final_error, is_quarantined, next_attempt, retry_delay_s
from cluster.run_dir.best_weights import BestWeights
from cluster.spec.study_spec import StudySpec
from cluster.trial import DIVERGED, MEMORY_PATIENCE_S, SEED_BITS, TrialRecord, TrialSpec, TrialState
from cluster.workers.events import Failed, Finished, Measured, Ready, Suspended, WorkerEvent, WorkerLost
from mnist_core.measurement import Measurement, without_repeated_accuracy

# How long the driver waits for an event before it checks deadlines and stop requests.
PATIENCE_S = 0.2
# How long a fresh worker may take to become ready.
START_PATIENCE_S = 60.0


class Driver:
    """Runs one study: asks for trials, hands them to workers, records how they end.

    All events that arrive together, and what follows from them, are one transaction of the store. Workers and
    observers are notified before the commit; files that are no longer needed are deleted after it.

    Example:
        A study in this process, without Ray (see tests/cluster/driver/small_study.py):

        parts = StudyParts(store, Search(spec), InlinePool(dataset, settings), Checkpoints(run_dir))
        reason = Driver(spec, parts).run()  # None once every trial is finished
    """

    def __init__(self, spec: StudySpec, parts: StudyParts, clock: Callable[[], float] | None = None) -> None:
        """Restores the study's state from its store. `clock` gives seconds, and is `time.monotonic` by default."""
        self._spec = spec
        self._clock = clock or time.monotonic
        self._limits = StudyLimits(spec, self._clock)
        self._store = parts.store
        self._search = parts.search
        self._pool = parts.pool
        self._checkpoints = parts.checkpoints
        self._best_weights = BestWeights(parts.checkpoints, spec.search.direction)
        self._notify = parts.notify
        self._idle: list[str] = []
        self._running: dict[int, RunningTrial] = {}
        self._backlog = Backlog()
        self._used_in_quarantine: set[str] = set()
        self._stopping: str | None = None
        self._next_number = 0
        self._seed_bits = parts.store.seed_bits()
        # Versions with shorter seeds did not measure the digits of networks with one head apart from their accuracy.
        self._is_older_study = self._seed_bits < SEED_BITS
        self._restore_study(parts.store.trials())

    def run(self) -> str | None:
        """Runs the study until every trial is finished or a stop is requested.

        Returns:
            the reason for stopping; None if every trial is finished.
        """
        while self._work_remains():
            self._process_events(self._pool.next_event(PATIENCE_S))
            self._check_deadlines()
        return self._stopping

    def request_stop(self, reason: str) -> None:
        """Lets running trials finish their epoch and suspends them; starts no others. Safe in a signal handler."""
        self._stopping = reason
        self._notify(StudyStopping(reason))

    def _work_remains(self) -> bool:
        if self._stopping:
            return bool(self._running)
        return bool(self._running or self._backlog or self._next_number < self._spec.trials)

    def _process_events(self, event: WorkerEvent | None) -> None:
        self._store.begin()
        try:
            self._handle(event)
            while self._pool.has_event:
                self._handle(self._pool.next_event(0.0))
        except BaseException:
            self._store.roll_back()
            raise
        self._store.commit()
        self._checkpoints.sweep()

    def _handle(self, event: WorkerEvent | None) -> None:
        match event:
            case Ready(worker, _):
                self._idle.append(worker)
                self._notify(WorkersChanged(self._worker_count()))
            case Measured(worker, number, measurement, state):
                self._on_measured(worker, number, measurement, state)
            case Suspended(worker, number, state):
                self._suspend_trial(worker, number, state)
            case Finished():
                self._on_finished(event)
            case Failed(worker, number):
                self._idle.append(worker)
                self._retry_or_fail(number, AttemptFailure.from_event(event))
            case WorkerLost():
                self._on_worker_lost(event)
        self._start_trials_on_idle_workers()

    def _start_trials_on_idle_workers(self) -> None:
        while self._idle and not self._stopping:
            waiting = self._backlog.take_due(self._clock()) or self._propose_trial()
            if waiting is None:
                return
            self._start(waiting)

    def _propose_trial(self) -> WaitingTrial | None:
        """Asks the search for a new trial and records it; None when all have been proposed."""
        number = self._next_number
        if number >= self._spec.trials:
            return None
        trial = TrialSpec.resolve(self._spec, number, self._search.ask(number), self._seed_bits)
        self._store.add_trial(number, trial.model.kind, trial.params, trial.seed)
        self._next_number += 1
        return WaitingTrial(trial)

    def _start(self, waiting: WaitingTrial) -> None:
        trial = waiting.trial
        state = self._checkpoints.load_newest(trial.number, at_most=self._store.last_epoch(trial.number))
        worker = next((worker for worker in self._idle if worker != waiting.avoid), self._idle[0])
        self._idle.remove(worker)
        self._store.start_attempt(trial.number, worker)
        fresh = waiting.quarantined or worker in self._used_in_quarantine
        patience_s = fresh * START_PATIENCE_S + trial.waits_for_memory * MEMORY_PATIENCE_S
        deadline_s = self._limits.epoch_deadline_s(patience_s)
        self._running[trial.number] = RunningTrial(trial, worker, deadline_s, waiting.quarantined)
        self._notify(TrialStarted(trial, worker))
        self._pool.start(worker, replace(trial, resume_from=state), fresh=fresh)
        if waiting.quarantined:
            self._used_in_quarantine.add(worker)
        else:
            self._used_in_quarantine.discard(worker)

    def _restore_study(self, records: list[TrialRecord]) -> None:
        """Restores what an earlier driver recorded, so that no finished work is repeated."""
        self._store.requeue_running()
        for record in records:
            measurements = self._store.measurements(record.number)
            reported = {m.epoch: self._objective(m) for m in measurements if not self._has_diverged(m)}
            self._search.adopt(record.number, record.params, reported)
            self._next_number = record.number + 1
            if record.state.is_finished():
                self._search.tell(record.number, record.state, record.value)
            else:
                crashes = self._store.failure_counts(record.number).crashes
                self._backlog.add(WaitingTrial(record.resolve(self._spec), quarantined=is_quarantined(crashes)))
            if record.state is TrialState.COMPLETE and record.value is not None:
                self._best_weights.update(record.model, record.number, record.value)
                self._stop_if_objective_reached(record.number, record.value)
            elif record.state.is_finished():
                self._checkpoints.discard(record.number)
        self._checkpoints.sweep()

    def _on_measured(self, worker: str, number: int, measurement: Measurement, state: bytes | None) -> None:
        if not self._record_epoch(number, measurement):
            self._idle.append(worker)
            return
        if state is not None:
            self._checkpoints.save(number, measurement.epoch, state)
        if self._stopping:
            self._pool.suspend(worker)
        else:
            self._pool.advance(worker)

    def _record_epoch(self, number: int, measurement: Measurement) -> bool:
        """Records an epoch, and ends the trial if it diverged or is pruned; returns whether the trial continues."""
        running = self._running[number]
        running.epoch = measurement.epoch
        running.deadline_s = self._limits.epoch_deadline_s()
        if self._is_older_study:
            measurement = without_repeated_accuracy(measurement)
        value = self._objective(measurement)
        self._store.add_measurement(number, measurement, value)
        self._notify(TrialMeasured(number, measurement))
        if self._has_diverged(measurement):
            self._store.fail_trial(number, "failed", DIVERGED)
            self._finish_trial(number, TrialState.FAIL, None, DIVERGED)
            return False
        is_last = measurement.epoch >= running.trial.training.epochs
        if self._search.report(number, measurement.epoch, value) and not is_last:
            self._store.finish_trial(number, TrialState.PRUNED, value)
            self._finish_trial(number, TrialState.PRUNED, value, bound=self._search.bound(number))
            return False
        return True

    def _on_finished(self, event: Finished) -> None:
        self._idle.append(event.worker)
        number = event.number
        trial = self._running[number].trial
        if event.measurement is not None and not self._record_epoch(number, event.measurement):
            return
        value = self._objective(event.measurement or self._store.measurements(number)[-1])
        if self._best_weights.update(trial.model.kind, number, value):
            self._checkpoints.save(number, trial.training.epochs, event.state)
        self._store.finish_trial(number, TrialState.COMPLETE, value, event.weights_sha256)
        self._finish_trial(number, TrialState.COMPLETE, value)
        self._stop_if_objective_reached(number, value)

    def _suspend_trial(self, worker: str, number: int, state: bytes) -> None:
        running = self._running.pop(number)
        self._checkpoints.save(number, running.epoch, state)
        self._store.end_attempt(number, "interrupted")
        self._notify(TrialWaiting(number, self._stopping or "suspended"))
        self._idle.append(worker)

    def _on_worker_lost(self, event: WorkerLost) -> None:
        self._used_in_quarantine.discard(event.worker)
        if event.worker in self._idle:
            self._idle.remove(event.worker)
        for number in [number for number, running in self._running.items() if running.worker == event.worker]:
            self._retry_or_fail(number, AttemptFailure.from_event(event))
        self._notify(WorkersChanged(self._worker_count(), event.cause))

    def _retry_or_fail(self, number: int, failure: AttemptFailure) -> None:
        running = self._running[number]
        before = self._store.failure_counts(number)
        retry = next_attempt(running, failure, before, self._spec.limits.attempts)
        if retry is None:
            error = final_error(running, failure)
            self._store.fail_trial(number, failure.outcome, error, failure.traceback)
            self._finish_trial(number, TrialState.FAIL, None, error)
            return
        del self._running[number]
        self._store.end_attempt(number, failure.outcome, failure.error, failure.traceback)
        self._notify(TrialWaiting(number, f"{failure.outcome}, attempt {before.total + 1}: {failure.error}"))
        due_s = self._clock() + retry_delay_s(before.total + 1, retry.trial.seed)
        self._backlog.add(replace(retry, not_before_s=due_s))

    def _finish_trial(
        self,
        number: int,
        state: TrialState,
        value: float | None,
        error: str | None = None,
        bound: float | None = None,
    ) -> None:
        """Tells the search and the observers how a trial ended; the store has already recorded it."""
        del self._running[number]
        if state is not TrialState.COMPLETE:
            self._checkpoints.discard(number)
        self._search.tell(number, state, value)
        self._notify(TrialEnded(number, state, value, error, bound))

    def _check_deadlines(self) -> None:
        if not self._stopping and (reason := self._limits.time_is_up()):
            self.request_stop(reason)
        for running in self._limits.overdue(self._running.values()):
            running.deadline_s = math.inf
            self._pool.kill(running.worker, self._limits.overdue_cause)

    def _stop_if_objective_reached(self, number: int, value: float) -> None:
        if not self._stopping and (reason := self._limits.objective_reached(number, value)):
            self.request_stop(reason)

    def _objective(self, measurement: Measurement) -> float:
        return measurement.metrics[self._spec.search.objective]

    def _has_diverged(self, measurement: Measurement) -> bool:
        return not (measurement.has_finite_losses and math.isfinite(self._objective(measurement)))

    def _worker_count(self) -> int:
        return len(self._idle) + len(self._running)
