"""Takes the time of a driver's session where the driver meets its parts, which know nothing of it. Decides nothing."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from cluster.store.store import Store
from cluster.time_spent import (
    DRIVER,
    EVALUATION,
    EVENTS,
    FINISH,
    IDLE,
    INSTRUCTIONS,
    MESSAGES,
    NOT_REPORTED,
    OTHER_WORK,
    REST,
    START,
    STORE,
    TRAINING,
    TimeSpent,
)
from cluster.trial import TrialSpec
from cluster.workers.events import Ready, Work, WorkerEvent, WorkerLost
from cluster.workers.pool import WorkerPool

# The account is written after a second, and then whenever it has grown by a hundredth: an hour makes 460 rows.
FIRST_WRITTEN_S, WRITTEN_EVERY = 1.0, 0.01

Part = TypeVar("Part")


class Stopwatch:
    """The account of a session. It is written to the store from time to time: a killed driver leaves one, too.

    Example:
        stopwatch = Stopwatch(store)
        parts = StudyParts(stopwatch.timed("store", store), ..., stopwatch.timed_pool(pool), ...)
        Driver(spec, parts).run()
        stopwatch.finishing()
        ...
        stopwatch.write()
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.perf_counter) -> None:
        """The session begins."""
        self._clock, self._began_s = clock, clock()
        self._store = self.timed(STORE, store)
        self._session = len({spent.session for spent in store.times_spent()})
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._workers: dict[str, _WorkerTime] = {}
        self._ready_s: float | None = None
        self._over_s: float | None = None
        self._due_s = FIRST_WRITTEN_S

    def timed(self, name: str, part: Part) -> Part:
        """A part that the driver works with: the time of its calls is counted under a name."""
        return cast(Part, _Timed(part, self._clock, lambda seconds: self._count(name, seconds)))

    def timed_pool(self, pool: WorkerPool) -> WorkerPool:
        """The pool that the driver works with: its instructions and events say what each worker does."""
        return _TimedPool(pool, self)

    def finishing(self) -> None:
        """The trials are over."""
        self._over_s = self._now_s()
        for worker in self._workers.values():
            worker.switch_to(FINISH, self._over_s)
        self.write()

    def write(self) -> None:
        """Writes the account as it is now."""
        now_s = self._now_s()
        self._due_s = now_s + max(FIRST_WRITTEN_S, now_s * WRITTEN_EVERY)
        accounts = [worker.until(now_s) for worker in self._workers.values()]
        worker_s = {part: sum(each[part] for each in accounts) for part in set().union(*accounts)}
        spent = TimeSpent(self._session, now_s, len(accounts), worker_s, self._driver_s(now_s))
        self._store.add_time_spent(spent)

    def instructed(self, worker: str) -> None:
        """The driver tells a worker what to do."""
        self._workers[worker].switch_to(NOT_REPORTED, self._now_s())

    def on_driver_idle(self) -> None:
        """The driver has nothing more to say for now: a worker that it told nothing has nothing to do."""
        now_s = self._now_s()
        for worker in self._workers.values():
            if worker.part == DRIVER:
                worker.switch_to(IDLE, now_s)

    def on_event(self, event: WorkerEvent | None) -> None:
        """The driver is told of an event."""
        now_s = self._now_s()
        match event:
            case None:
                pass
            case Ready(worker, _):
                if self._ready_s is None:
                    self._ready_s = now_s
                    self._seconds.clear()
                self._workers.setdefault(worker, _WorkerTime()).switch_to(DRIVER, now_s)
            case WorkerLost(worker):
                if worker in self._workers:
                    self._workers[worker].switch_to(START, now_s)
            case _:
                self._workers[event.worker].reported(event.work, now_s)
        if now_s >= self._due_s:
            self.write()

    def _now_s(self) -> float:
        return self._clock() - self._began_s

    def _count(self, name: str, seconds: float) -> None:
        if self._over_s is None:
            self._seconds[name] += seconds

    def _driver_s(self, now_s: float) -> dict[str, float]:
        """Until the first worker is ready all is the start; what no part has counted is the rest."""
        over_s = now_s if self._over_s is None else self._over_s
        start_s = over_s if self._ready_s is None else self._ready_s
        counted = {} if self._ready_s is None else dict(self._seconds)
        rest_s = over_s - start_s - sum(counted.values())
        return {START: start_s, **counted, REST: rest_s, FINISH: now_s - over_s}


@dataclass
class _WorkerTime:
    """What a worker's time went into. part: what it is in since `since_s`, seconds of the session."""

    part: str = START
    since_s: float = 0.0
    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def switch_to(self, part: str, now_s: float) -> None:
        self.spent[self.part] += now_s - self.since_s
        self.part, self.since_s = part, now_s

    def reported(self, work: Work, now_s: float) -> None:
        """What was not reported is known now: so much work, and the rest was on its way."""
        self.spent[TRAINING] += work.training_s
        self.spent[EVALUATION] += work.evaluation_s
        self.spent[OTHER_WORK] += work.other_s
        self.spent[MESSAGES] += now_s - self.since_s - work.training_s - work.evaluation_s - work.other_s
        self.part, self.since_s = DRIVER, now_s

    def until(self, now_s: float) -> defaultdict[str, float]:
        account = self.spent.copy()
        account[self.part] += now_s - self.since_s
        return account


class _Timed:
    """Stands for an object; counts how long its methods take."""

    def __init__(self, of: object, clock: Callable[[], float], count: Callable[[float], None]) -> None:
        self._of, self._clock, self._count = of, clock, count

    def __getattr__(self, name: str) -> Any:
        """Asked once for each method, which it then keeps."""
        method, clock, count = getattr(self._of, name), self._clock, self._count

        def timed(*args: Any, **options: Any) -> Any:
            began_s = clock()
            try:
                return method(*args, **options)
            finally:
                count(clock() - began_s)

        setattr(self, name, timed)
        return timed


class _TimedPool:
    """See WorkerPool, which it stands for."""

    def __init__(self, pool: WorkerPool, stopwatch: Stopwatch) -> None:
        self._pool, self._stopwatch = pool, stopwatch
        self._instructed = stopwatch.timed(INSTRUCTIONS, pool)
        self._awaited = stopwatch.timed(EVENTS, pool)

    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        self._stopwatch.instructed(worker)
        self._instructed.start(worker, trial, fresh=fresh)

    def advance(self, worker: str) -> None:
        self._stopwatch.instructed(worker)
        self._instructed.advance(worker)

    def suspend(self, worker: str) -> None:
        self._stopwatch.instructed(worker)
        self._instructed.suspend(worker)

    def kill(self, worker: str, cause: str) -> None:
        self._instructed.kill(worker, cause)

    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        self._stopwatch.on_driver_idle()
        event = self._awaited.next_event(timeout_s)
        self._stopwatch.on_event(event)
        return event

    @property
    def has_event(self) -> bool:
        return self._pool.has_event

    def close(self) -> None:
        self._instructed.close()
