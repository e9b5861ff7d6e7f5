"""The terminal while a study runs: a live table, or plain lines where the output is no terminal. Decides nothing."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cluster.observer import StudyObserver
from cluster.space import Params, label
from cluster.study_spec import StudySpec
from cluster.trial import TrialState
from jobs.shown import Shown
from mnist_core.measurement import Measurement

STATE_STYLES = {
    TrialState.COMPLETE: "green",
    TrialState.PRUNED: "yellow",
    TrialState.FAIL: "red",
    TrialState.RUNNING: "cyan",
    TrialState.WAITING: "dim",
}


@dataclass
class _Running:
    model: str
    params: Params
    worker: str
    epochs: int
    measurement: Measurement | None = None


@dataclass
class _Progress:
    """What the views know of the study; the counts are kept, finished trials are not."""

    spec: StudySpec
    started_s: float = field(default_factory=time.monotonic)
    running: dict[int, _Running] = field(default_factory=dict)
    ended: dict[TrialState, int] = field(default_factory=dict)
    ended_before: int = 0
    workers: int = 0
    best: tuple[float, int, str] | None = None
    problem: str | None = None

    def start(self, number: int, model: str, params: Params, worker: str) -> None:
        epochs = self.spec.resolve(params)[1].epochs
        self.running[number] = _Running(model, params, worker, epochs)

    def end(self, number: int, state: TrialState, value: float | None) -> _Running | None:
        running = self.running.pop(number, None)
        self.ended[state] = self.ended.get(state, 0) + 1
        if state is TrialState.COMPLETE and value is not None and running is not None and self._is_better(value):
            self.best = (value, number, running.model)
        return running

    def seen_before(self, state: TrialState) -> None:
        """A trial that was finished before the study was resumed."""
        self.ended[state] = self.ended.get(state, 0) + 1
        self.ended_before += 1

    def remaining_s(self) -> float | None:
        """How long the rest takes at the pace so far, running trials counted by their epochs."""
        now_done = sum(self.ended.values()) - self.ended_before
        partly = sum(r.measurement.epoch / r.epochs for r in self.running.values() if r.measurement)
        done = now_done + partly
        left = self.spec.trials - self.ended_before - done
        return None if done < 0.5 else self.elapsed_s() * left / done

    def elapsed_s(self) -> float:
        return time.monotonic() - self.started_s

    def _is_better(self, value: float) -> bool:
        if self.best is None:
            return True
        return value > self.best[0] if self.spec.search.direction == "maximize" else value < self.best[0]


@contextmanager
def study_view(
    spec: StudySpec, shown: Shown, console: Console, finished: Sequence[TrialState] = ()
) -> Iterator[StudyObserver]:
    """The view that fits the output; `finished` are the states of trials that a resumed study has behind it."""
    if shown is not Shown.ALL:
        yield QuietView()
    elif not console.is_terminal:
        yield PlainView(spec, console)
    else:
        with LiveView(spec, console) as view:
            for state in finished:
                view.seen_before(state)
            yield view


class QuietView:
    """Shows nothing."""

    def trial_started(self, number: int, model: str, params: Params, worker: str) -> None:
        """See StudyObserver."""

    def measured(self, number: int, measurement: Measurement) -> None:
        """See StudyObserver."""

    def trial_waits(self, number: int, reason: str) -> None:
        """See StudyObserver."""

    def trial_ended(self, number: int, state: TrialState, value: float | None, error: str | None) -> None:
        """See StudyObserver."""

    def workers_changed(self, ready: int, problem: str | None) -> None:
        """See StudyObserver."""


class PlainView:
    """A line for each thing that happens."""

    def __init__(self, spec: StudySpec, console: Console) -> None:
        """Prints to a console that is no terminal."""
        self._progress, self._console = _Progress(spec), console
        self._objective = spec.search.objective

    def trial_started(self, number: int, model: str, params: Params, worker: str) -> None:
        """See StudyObserver."""
        self._progress.start(number, model, params, worker)
        self._say(f"trial {number} {model} starts on {worker}  {describe(params)}")

    def measured(self, number: int, measurement: Measurement) -> None:
        """See StudyObserver."""
        running = self._progress.running[number]
        running.measurement = measurement
        value = measurement.metrics[self._objective]
        speed = readable_count(measurement.metrics["perf/samples_per_second"])
        self._say(
            f"trial {number} {running.model} epoch {measurement.epoch}/{running.epochs}"
            f"  {self._objective} {value:.4f}  {speed} samples/s"
        )

    def trial_waits(self, number: int, reason: str) -> None:
        """See StudyObserver."""
        self._progress.running.pop(number, None)
        self._say(f"trial {number} waits: {reason}")

    def trial_ended(self, number: int, state: TrialState, value: float | None, error: str | None) -> None:
        """See StudyObserver."""
        running = self._progress.end(number, state, value)
        model = running.model if running else ""
        outcome = error or (f"{self._objective} {value:.4f}" if value is not None else "")
        self._say(f"trial {number} {model} {state.value}  {outcome}")

    def workers_changed(self, ready: int, problem: str | None) -> None:
        """See StudyObserver."""
        self._say(f"a worker is lost: {problem}" if problem else f"{ready} workers ready")

    def _say(self, line: str) -> None:
        self._console.print(
            f"{self._progress.elapsed_s():7.1f} s  {line}", highlight=False, markup=False, soft_wrap=True
        )


class LiveView:
    """A table of the running trials that is redrawn four times a second; use it as a context manager."""

    def __init__(self, spec: StudySpec, console: Console) -> None:
        """Draws on a terminal."""
        self._spec, self._progress = spec, _Progress(spec)
        self._live = Live(console=console, get_renderable=self._draw, refresh_per_second=4, transient=True)

    def __enter__(self) -> "LiveView":
        self._live.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._live.__exit__(None, None, None)

    def seen_before(self, state: TrialState) -> None:
        """Counts a trial that was finished before the study was resumed."""
        self._progress.seen_before(state)

    def trial_started(self, number: int, model: str, params: Params, worker: str) -> None:
        """See StudyObserver."""
        self._progress.start(number, model, params, worker)

    def measured(self, number: int, measurement: Measurement) -> None:
        """See StudyObserver."""
        self._progress.running[number].measurement = measurement

    def trial_waits(self, number: int, reason: str) -> None:
        """See StudyObserver."""
        self._progress.running.pop(number, None)
        self._progress.problem = f"trial {number} waits: {reason}"

    def trial_ended(self, number: int, state: TrialState, value: float | None, error: str | None) -> None:
        """See StudyObserver."""
        self._progress.end(number, state, value)
        if error:
            self._progress.problem = f"trial {number}: {error}"

    def workers_changed(self, ready: int, problem: str | None) -> None:
        """See StudyObserver."""
        self._progress.workers = ready
        self._progress.problem = problem or self._progress.problem

    def _draw(self) -> RenderableType:
        problem = self._progress.problem
        return Group(
            self._headline(),
            self._running_table(),
            Text(f"  last trouble: {problem}", style="yellow") if problem else Text(""),
        )

    def _headline(self) -> Text:
        progress = self._progress
        line = Text.assemble(
            (f"{self._spec.name}  ", "bold"), f"{sum(progress.ended.values())}/{self._spec.trials} trials"
        )
        for state, count in progress.ended.items():
            line.append(f"  {count} {state.value}", style=STATE_STYLES[state])
        line.append(f"   {readable_time(progress.elapsed_s())} elapsed")
        remaining = progress.remaining_s()
        if remaining is not None:
            line.append(f", about {readable_time(remaining)} left")
        if progress.best is not None:
            value, number, model = progress.best
            line.append(f"\nbest {self._spec.search.objective} {value:.4f}  (trial {number}, {model})", style="green")
        elif not progress.running:
            line.append("\nstarting workers ..." if progress.workers == 0 else "")
        return line

    def _running_table(self) -> Table:
        table = Table(box=None, header_style="dim", padding=(0, 1))
        for name in ("trial", "network", "worker", "epoch", "", self._spec.search.objective, "samples/s", "parameters"):
            table.add_column(name, no_wrap=True)
        for number, running in sorted(self._progress.running.items()):
            measured = running.measurement
            epoch = measured.epoch if measured else 0
            table.add_row(
                str(number),
                running.model,
                running.worker,
                f"{epoch}/{running.epochs}",
                ProgressBar(total=running.epochs, completed=epoch, width=12),
                f"{measured.metrics[self._spec.search.objective]:.4f}" if measured else "",
                readable_count(measured.metrics["perf/samples_per_second"]) if measured else "",
                describe(running.params),
            )
        return table


def describe(params: Params) -> str:
    """A trial's parameters in one line, by the last part of their names."""
    return "  ".join(f"{name.rsplit('.', 1)[-1]}={label(value)}" for name, value in params.items())


def readable_count(number: float) -> str:
    """1234567 as "1.23M"."""
    for divisor, unit in ((1e6, "M"), (1e3, "k")):
        if number >= divisor:
            return f"{number / divisor:.3g}{unit}"
    return f"{number:.3g}"


def readable_time(seconds: float) -> str:
    """Seconds as "42 s" or "3:07 min"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min"
