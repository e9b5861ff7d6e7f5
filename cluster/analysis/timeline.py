"""When each worker trained which trial, and where attempts failed."""

from collections.abc import Sequence
from dataclasses import dataclass

from cluster.analysis.study_record import StudyRecord
from cluster.trial import AttemptOutcome

MOST_WORKERS = 64
"""How many workers a timeline shows: those that trained longest."""
LONGEST_PAUSE_S = 60.0
"""Times in which no worker trained are shortened to this: a study may be resumed weeks later."""

FAULTS: frozenset[AttemptOutcome] = frozenset({"failed", "crashed", "lost"})


@dataclass(frozen=True)
class TimelineBar:
    """One attempt of a trial on a worker.

    Attributes:
        start_s: seconds since the study's first attempt, without the longer part of long pauses.
        end_s: likewise; for an attempt that is running, the end of the timeline.
        outcome: None while it runs.
        error: why it failed, in one sentence.
    """

    worker: str
    number: int
    model: str
    attempt: int
    start_s: float
    end_s: float
    outcome: AttemptOutcome | None
    error: str | None

    @property
    def is_fault(self) -> bool:
        """Whether the attempt failed, its worker crashed, or was lost."""
        return self.outcome in FAULTS


@dataclass(frozen=True)
class Timeline:
    """What the workers of a study did.

    Attributes:
        bars: by start; only those of `workers`.
        workers: in the order of their names.
        hidden_workers: how many more workers there were.
        pauses: how many pauses were shortened.
    """

    bars: Sequence[TimelineBar]
    workers: Sequence[str]
    hidden_workers: int
    pauses: int


def timeline(record: StudyRecord, now: float) -> Timeline:
    """Returns what each worker trained, and when.

    Args:
        record: the study.
        now: Unix time in seconds, up to which attempts that have not ended are drawn.
    """
    spans = sorted(
        (
            (attempt.started_at, max(attempt.started_at, attempt.ended_at or now), each.trial, attempt)
            for each in record.trials
            for attempt in each.attempts
        ),
        key=lambda span: (span[0], span[2].number),
    )
    bars: list[TimelineBar] = []
    cut = end = spans[0][0] if spans else 0.0
    pauses = 0
    for started_at, ended_at, trial, attempt in spans:
        if started_at - end > LONGEST_PAUSE_S:
            cut += started_at - end - LONGEST_PAUSE_S
            pauses += 1
        end = max(end, ended_at)
        bars.append(
            TimelineBar(
                attempt.worker,
                trial.number,
                trial.model,
                attempt.attempt,
                started_at - cut,
                ended_at - cut,
                attempt.outcome,
                attempt.error,
            )
        )
    workers = _busiest(bars)
    shown = set(workers[:MOST_WORKERS])
    return Timeline(
        [bar for bar in bars if bar.worker in shown],
        sorted(shown, key=_by_number),
        max(0, len(workers) - MOST_WORKERS),
        pauses,
    )


def _busiest(bars: Sequence[TimelineBar]) -> list[str]:
    """Returns the workers, the one that trained longest first."""
    seconds: dict[str, float] = {}
    for bar in bars:
        seconds[bar.worker] = seconds.get(bar.worker, 0.0) + bar.end_s - bar.start_s
    return sorted(seconds, key=lambda worker: (-seconds[worker], worker))


def _by_number(worker: str) -> tuple[str, int, str]:
    """Sorts cpu-10 after cpu-9."""
    name, _, number = worker.rpartition("-")
    return (name, int(number), worker) if number.isdecimal() else (worker, -1, worker)
