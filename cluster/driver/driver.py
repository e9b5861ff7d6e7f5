"""Decides what happens next to each trial: events in, instructions out. Knows no Ray, MXNet, TensorBoard or SQL."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

from cluster.driver.parts import StudyParts
from cluster.driver.queue import Backlog, WaitingTrial
from cluster.driver.retries import AttemptFailure, final_error, is_quarantined, next_attempt, retry_delay_s
from cluster.driver.running import RunningTrial
from cluster.machine.memory import MEMORY_PATIENCE_S
from cluster.run_dir.best_weights import BestWeights
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialRecord, TrialSpec, TrialState, trial_seed
from cluster.workers.events import Failed, Finished, Measured, Ready, Suspended, WorkerEvent, WorkerLost
from mnist_core.measurement import Measurement

# How long the driver waits for an event before it looks at its clock and at a request to stop.
PATIENCE_S = 0.2
# What a worker that is made anew for a trial may take until it can begin.
START_PATIENCE_S = 60.0

DIVERGED = "diverged: the loss is not finite"


class Driver:
    """Runs one study: asks for trials, hands them to workers, records how they end.

    All that happened at the same time, and what follows from it, is one transaction of the store. Files of a trial
    that it has no more use for are deleted after it; workers and observers are told before it.
    """

    def __init__(self, spec: StudySpec, parts: StudyParts, clock: Callable[[], float] = time.monotonic) -> None:
        """Takes up the study where its store left it."""
        self._spec, self._clock = spec, clock
        self._store, self._search, self._pool = parts.store, parts.search, parts.pool
        self._checkpoints, self._observer = parts.checkpoints, parts.observer
        self._idle: list[str] = []
        self._running: dict[int, RunningTrial] = {}
        self._backlog = Backlog()
        self._used_in_quarantine: set[str] = set()
        self._best_weights = BestWeights(parts.checkpoints, spec.search.direction)
        self._stopping: str | None = None
        self._study_deadline_s = clock() + 60 * (spec.limits.minutes or math.inf)
        self._next_number = 0
        self._restore_study(parts.store.trials())

    def run(self) -> str | None:
        """Runs the study to its end, for which it returns None, or until it is asked to stop, for which the reason."""
        while self._work_remains():
            self._process_events(self._pool.next_event(PATIENCE_S))
            self._check_deadlines()
        return self._stopping

    def request_stop(self, reason: str) -> None:
        """Lets running trials finish their epoch, puts them aside, and starts no others. Safe in a signal handler."""
        self._stopping = reason
        self._observer.stopping(reason)

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

    def _start_trials_on_idle_workers(self) -> None:
        while self._idle and not self._stopping:
            waiting = self._backlog.take_due(self._clock()) or self._propose_trial()
            if waiting is None:
                return
            self._start(waiting)

    def _handle(self, event: WorkerEvent | None) -> None:
        match event:
            case Ready(worker, _):
                self._idle.append(worker)
                self._observer.workers_changed(self._workers(), None)
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

    def _propose_trial(self) -> WaitingTrial | None:
        """The next new trial, recorded in the store, or None when all have been proposed."""
        number = self._next_number
        if number >= self._spec.trials:
            return None
        params = self._search.ask(number)
        trial = TrialSpec(number, *self._spec.resolve(params), trial_seed(self._spec.seed, number))
        self._store.add_trial(number, trial.model.kind, params, trial.seed)
        self._next_number += 1
        return WaitingTrial(trial, params)

    def _start(self, waiting: WaitingTrial) -> None:
        recorded = self._store.last_epoch(waiting.trial.number)
        state = self._checkpoints.newest(waiting.trial.number, at_most=recorded)
        trial = replace(waiting.trial, resume_from=state)
        worker = next((worker for worker in self._idle if worker != waiting.avoid), self._idle[0])
        self._idle.remove(worker)
        self._store.start_attempt(trial.number, worker)
        fresh = waiting.quarantined or worker in self._used_in_quarantine
        patience_s = fresh * START_PATIENCE_S + trial.waits_for_memory * MEMORY_PATIENCE_S
        self._running[trial.number] = RunningTrial(waiting, worker, self._deadline_s(patience_s))
        self._observer.trial_started(trial.number, trial.model.kind, waiting.params, worker)
        self._pool.start(worker, trial, fresh=fresh)
        (self._used_in_quarantine.add if waiting.quarantined else self._used_in_quarantine.discard)(worker)

    def _restore_study(self, records: list[TrialRecord]) -> None:
        """Goes on with a study that was begun before: nothing finished is repeated."""
        self._store.requeue_running()
        for record in records:
            reported = {m.epoch: self._objective(m) for m in self._store.measurements(record.number)}
            self._search.adopt(record.number, record.params, reported)
            self._next_number = record.number + 1
            if record.state.is_finished():
                self._search.tell(record.number, record.state, record.value)
            else:
                trial = TrialSpec(record.number, *self._spec.resolve(record.params), record.seed)
                crashes = self._store.failure_counts(record.number).crashes
                self._backlog.add(WaitingTrial(trial, record.params, quarantined=is_quarantined(crashes)))
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
        instruct = self._pool.suspend if self._stopping else self._pool.advance
        instruct(worker)

    def _record_epoch(self, number: int, measurement: Measurement) -> bool:
        """Records an epoch, and the trial's end if that is one."""
        running = self._running[number]
        running.epoch, running.deadline_s = measurement.epoch, self._deadline_s()
        value = self._objective(measurement)
        self._store.add_measurement(number, measurement, value)
        self._observer.measured(number, measurement)
        if not (measurement.has_finite_losses and math.isfinite(value)):
            self._store.fail_trial(number, "failed", DIVERGED)
            self._finish_trial(number, TrialState.FAIL, None, DIVERGED)
            return False
        if self._search.report(number, measurement.epoch, value) and measurement.epoch < running.epochs:
            self._store.finish_trial(number, TrialState.PRUNED, value)
            self._finish_trial(number, TrialState.PRUNED, value)
            return False
        return True

    def _on_finished(self, event: Finished) -> None:
        self._idle.append(event.worker)
        number, running = event.number, self._running[event.number]
        if event.measurement is not None and not self._record_epoch(number, event.measurement):
            return
        value = self._objective(event.measurement or self._store.measurements(number)[-1])
        if self._best_weights.update(running.given.trial.model.kind, number, value):
            self._checkpoints.save(number, running.epochs, event.state)
        self._store.finish_trial(number, TrialState.COMPLETE, value, event.weights_sha256)
        self._finish_trial(number, TrialState.COMPLETE, value)
        self._stop_if_objective_reached(number, value)

    def _suspend_trial(self, worker: str, number: int, state: bytes) -> None:
        running = self._running.pop(number)
        self._checkpoints.save(number, running.epoch, state)
        self._store.end_attempt(number, "interrupted")
        self._observer.trial_waits(number, self._stopping or "put aside")
        self._idle.append(worker)

    def _on_worker_lost(self, event: WorkerLost) -> None:
        self._used_in_quarantine.discard(event.worker)
        if event.worker in self._idle:
            self._idle.remove(event.worker)
        for number in [number for number, running in self._running.items() if running.worker == event.worker]:
            self._retry_or_fail(number, AttemptFailure.from_event(event))
        self._observer.workers_changed(self._workers(), event.cause)

    def _retry_or_fail(self, number: int, failure: AttemptFailure) -> None:
        running, before = self._running[number], self._store.failure_counts(number)
        again = next_attempt(running.given, failure, before, self._spec.limits.attempts)
        if again is None:
            error = final_error(running.given, failure)
            self._store.fail_trial(number, failure.outcome, error, failure.traceback)
            self._finish_trial(number, TrialState.FAIL, None, error)
            return
        del self._running[number]
        self._store.end_attempt(number, failure.outcome, failure.error, failure.traceback)
        self._observer.trial_waits(number, f"{failure.outcome}, attempt {before.total + 1}: {failure.error}")
        due_s = self._clock() + retry_delay_s(before.total + 1, again.trial.seed)
        self._backlog.add(replace(again, not_before_s=due_s, avoid=running.worker))

    def _finish_trial(self, number: int, state: TrialState, value: float | None, error: str | None = None) -> None:
        """A trial is finished, and the store knows; everyone else is told."""
        del self._running[number]
        if state is not TrialState.COMPLETE:
            self._checkpoints.discard(number)
        self._search.tell(number, state, value)
        self._observer.trial_ended(number, state, value, error)

    def _check_deadlines(self) -> None:
        now, limit_s = self._clock(), self._spec.limits.epoch_timeout_s
        if now > self._study_deadline_s and not self._stopping:
            self.request_stop(f"limits.minutes: {self._spec.limits.minutes} are over")
        for running in list(self._running.values()):
            if now > running.deadline_s:
                running.deadline_s = math.inf
                self._pool.kill(running.worker, f"no epoch ended within limits.epoch_timeout_s: {limit_s}")

    def _deadline_s(self, more_s: float = 0.0) -> float:
        return self._clock() + self._spec.limits.epoch_timeout_s + more_s

    def _objective(self, measurement: Measurement) -> float:
        return measurement.metrics[self._spec.search.objective]

    def _stop_if_objective_reached(self, number: int, value: float) -> None:
        goal, maximized = self._spec.stop.objective, self._spec.search.direction == "maximize"
        if goal is not None and not self._stopping and (value >= goal if maximized else value <= goal):
            self.request_stop(f"trial {number} reached the objective {goal}")

    def _workers(self) -> int:
        return len(self._idle) + len(self._running)
