"""Measures where the time of a driver's session goes, by wrapping the driver's parts, which do not notice."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from typing_extensions import override

from cluster.driver.parts import StudyParts
from cluster.store.store import Store
from cluster.time_spent import Part, TimeSpent
from cluster.trial import TrialSpec
from cluster.workers.events import Ready, Work, WorkerEvent, WorkerLost
from cluster.workers.pool import WorkerPool

# The account is written after a second, and then whenever it has grown by 1 %: an hour makes 460 rows.
FIRST_WRITTEN_S = 1.0
WRITTEN_EVERY = 0.01

Target = TypeVar("Target")


class Stopwatch:
    """Keeps the account of a session, and writes it to the store regularly, so that a killed driver leaves one too.

    Example:
        stopwatch = Stopwatch(store)
        Driver(spec, stopwatch.wrap(parts)).run()
        stopwatch.finishing()
        ...
        stopwatch.write()
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.perf_counter) -> None:
        """Starts the session."""
        self._clock = clock
        self._started_s = clock()
        self._store = self.timed(Part.STORE, store)
        self._session = len({spent.session for spent in store.times_spent()})
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._workers: dict[str, _WorkerTime] = {}
        self._ready_s: float | None = None
        self._over_s: float | None = None
        self._due_s = FIRST_WRITTEN_S

    def wrap(self, parts: StudyParts) -> StudyParts:
        """Returns stand-ins for a driver's parts that time the calls to them."""
        return StudyParts(
            self.timed(Part.STORE, parts.store),
            self.timed(Part.SEARCH, parts.search),
            self.wrap_pool(parts.pool),
            self.timed(Part.CHECKPOINTS, parts.checkpoints),
            {part: self.timed(part, observer) for part, observer in parts.observers.items()},
        )

    def wrap_pool(self, pool: WorkerPool) -> WorkerPool:
        """Returns a stand-in for a pool that tracks, by instructions and events, what each worker is doing."""
        return _TimedPool(pool, self)

    def timed(self, part: Part, target: Target) -> Target:
        """Returns a stand-in for an object that the driver calls, which counts the time of the calls as `part`.

        The stand-in has the methods of its target, but not its type; the cast saves a class for each part.
        """
        return cast(Target, _Timed(target, self._clock, lambda seconds: self._count(part, seconds)))

    def finishing(self) -> None:
        """Counts the time from now on as FINISH: no trial is left."""
        self._over_s = self._now_s()
        for worker in self._workers.values():
            worker.switch_to(Part.FINISH, self._over_s)
        self.write()

    def write(self) -> None:
        """Writes the current account."""
        now_s = self._now_s()
        self._due_s = now_s + max(FIRST_WRITTEN_S, now_s * WRITTEN_EVERY)
        accounts = [worker.until(now_s) for worker in self._workers.values()]
        worker_s = {part: sum(each[part] for each in accounts) for part in set().union(*accounts)}
        spent = TimeSpent(self._session, now_s, len(accounts), worker_s, self._driver_s(now_s))
        self._store.add_time_spent(spent)

    def on_instruction(self, worker: str) -> None:
        """Counts a worker's time from now on as NOT_REPORTED: the driver has instructed it."""
        self._workers[worker].switch_to(Part.NOT_REPORTED, self._now_s())

    def on_driver_idle(self) -> None:
        """Counts the time of workers without an instruction as IDLE: the driver has none for them now."""
        now_s = self._now_s()
        for worker in self._workers.values():
            if worker.part == Part.DRIVER:
                worker.switch_to(Part.IDLE, now_s)

    def on_event(self, event: WorkerEvent | None) -> None:
        """Counts a worker's time from now on as DRIVER: the driver has received its event."""
        now_s = self._now_s()
        match event:
            case None:
                pass
            case Ready(worker, _):
                if self._ready_s is None:
                    self._ready_s = now_s
                    self._seconds.clear()
                self._workers.setdefault(worker, _WorkerTime()).switch_to(Part.DRIVER, now_s)
            case WorkerLost(worker):
                if worker in self._workers:
                    self._workers[worker].switch_to(Part.START, now_s)
            case _:
                self._workers[event.worker].report(event.work, now_s)
        if now_s >= self._due_s:
            self.write()

    def _now_s(self) -> float:
        return self._clock() - self._started_s

    def _count(self, part: Part, seconds: float) -> None:
        if self._over_s is None:
            self._seconds[part] += seconds

    def _driver_s(self, now_s: float) -> dict[str, float]:
        """Returns seconds by part: all time until the first worker is ready is START, uncounted time is REST."""
        over_s = now_s if self._over_s is None else self._over_s
        start_s = over_s if self._ready_s is None else self._ready_s
        counted = {} if self._ready_s is None else dict(self._seconds)
        rest_s = over_s - start_s - sum(counted.values())
        return {Part.START: start_s, **counted, Part.REST: rest_s, Part.FINISH: now_s - over_s}


@dataclass
class _WorkerTime:
    """One worker's seconds by part. part: the current one, since second `since_s` of the session."""

    part: Part = Part.START
    since_s: float = 0.0
    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def switch_to(self, part: Part, now_s: float) -> None:
        self.spent[self.part] += now_s - self.since_s
        self.part = part
        self.since_s = now_s

    def report(self, work: Work, now_s: float) -> None:
        """Splits the unreported time into the reported work and the transit of messages."""
        self.spent[Part.TRAINING] += work.training_s
        self.spent[Part.EVALUATION] += work.evaluation_s
        self.spent[Part.OTHER_WORK] += work.other_s
        self.spent[Part.MESSAGES] += now_s - self.since_s - work.training_s - work.evaluation_s - work.other_s
        self.part = Part.DRIVER
        self.since_s = now_s

    def until(self, now_s: float) -> defaultdict[str, float]:
        account = self.spent.copy()
        account[self.part] += now_s - self.since_s
        return account


class _Timed:
    """Stands in for an object and measures how long its methods take."""

    def __init__(self, target: object, clock: Callable[[], float], count: Callable[[float], None]) -> None:
        self._target = target
        self._clock = clock
        self._count = count

    def __getattr__(self, name: str) -> Any:
        """Wraps a method on first use; after that it is found as an attribute."""
        method, clock, count = getattr(self._target, name), self._clock, self._count

        def timed(*args: Any, **options: Any) -> Any:
            started_s = clock()
            try:
                return method(*args, **options)
            finally:
                count(clock() - started_s)

        setattr(self, name, timed)
        return timed


class _TimedPool(WorkerPool):
    """Stands in for a pool; tracks what each worker is doing by instructions and events."""

    def __init__(self, pool: WorkerPool, stopwatch: Stopwatch) -> None:
        self._pool = pool
        self._stopwatch = stopwatch
        self._instructed = stopwatch.timed(Part.INSTRUCTIONS, pool)
        self._awaited = stopwatch.timed(Part.EVENTS, pool)

    @override
    def start(self, worker: str, trial: TrialSpec, *, fresh: bool = False) -> None:
        self._stopwatch.on_instruction(worker)
        self._instructed.start(worker, trial, fresh=fresh)

    @override
    def advance(self, worker: str) -> None:
        self._stopwatch.on_instruction(worker)
        self._instructed.advance(worker)

    @override
    def suspend(self, worker: str) -> None:
        self._stopwatch.on_instruction(worker)
        self._instructed.suspend(worker)

    @override
    def kill(self, worker: str, cause: str) -> None:
        self._instructed.kill(worker, cause)

    @override
    def next_event(self, timeout_s: float) -> WorkerEvent | None:
        self._stopwatch.on_driver_idle()
        event = self._awaited.next_event(timeout_s)
        self._stopwatch.on_event(event)
        return event

    @property
    @override
    def has_event(self) -> bool:
        return self._pool.has_event

    @override
    def close(self) -> None:
        self._instructed.close()
