"""The terminal while a study runs: a live table, or plain lines where the output is no terminal. Decides nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cluster.driver.observer import StudyObserver
from cluster.spec.space import Params, format_param
from cluster.spec.study_spec import StudySpec
from cluster.trial import TrialRecord, TrialState
from jobs.terminal.progress import Progress
from jobs.terminal.shown import OutputMode
from mnist_core.errors import NotWritable
from mnist_core.measurement import Measurement

STATE_STYLES = {
    TrialState.COMPLETE: "green",
    TrialState.PRUNED: "yellow",
    TrialState.FAIL: "red",
    TrialState.RUNNING: "cyan",
    TrialState.WAITING: "dim",
}
SPEED = "perf/samples_per_second"

# Of the table of running trials; the one without a name is called like the objective.
_COLUMNS: tuple[tuple[str, JustifyMethod], ...] = (
    ("trial", "right"),
    ("network", "left"),
    ("worker", "left"),
    ("epoch", "right"),
    (" ", "left"),
    ("", "right"),
    ("samples/s", "right"),
)

STOPPING = "the running epochs end and are saved; Ctrl-C again leaves at once"


@contextmanager
def study_view(
    spec: StudySpec, mode: OutputMode, console: Console, opening: str, finished: Sequence[TrialRecord] = ()
) -> Iterator[StudyObserver]:
    """The view that fits the output.

    Args:
        spec: of the study.
        mode: how much.
        console: where.
        opening: what is going on until the first worker is ready, e.g. "starting Ray".
        finished: the trials that a resumed study has behind it.
    """
    progress = Progress(spec)
    for trial in finished:
        progress.seen_before(trial)
    if mode is not OutputMode.ALL:
        yield StudyObserver()
    elif console.is_terminal:
        with LiveView(progress, console, opening) as view:
            yield view
    else:
        yield PlainView(progress, console)


class PlainView(StudyObserver):
    """A line for each thing that happens."""

    def __init__(self, progress: Progress, console: Console) -> None:
        """Prints to a console that is no terminal."""
        self._progress, self._console = progress, console
        self._objective = progress.spec.search.objective

    def trial_started(self, number: int, model: str, params: Params, worker: str) -> None:
        """See StudyObserver."""
        self._progress.start(number, model, params, worker)
        self._say(f"trial {number} {model} starts on {worker}  {format_params(params)}")

    def measured(self, number: int, measurement: Measurement) -> None:
        """See StudyObserver."""
        running = self._progress.measure(number, measurement)
        self._say(
            f"trial {number} {running.model} epoch {running.epoch}/{running.epochs}"
            f"  {self._objective} {measurement.metrics[self._objective]:.4f}"
            f"  {format_count(measurement.metrics[SPEED])} samples/s"
        )

    def trial_waits(self, number: int, reason: str) -> None:
        """See StudyObserver."""
        self._progress.put_aside(number, reason)
        self._say(f"trial {number} waits: {reason}")

    def trial_ended(self, number: int, state: TrialState, value: float | None, error: str | None) -> None:
        """See StudyObserver."""
        running = self._progress.end(number, state, value, error)
        model = f" {running.model}" if running else ""
        outcome = error or (f"{self._objective} {value:.4f}" if value is not None else "")
        self._say(f"trial {number}{model} {state.value}  {outcome}")

    def stopping(self, reason: str) -> None:
        """See StudyObserver."""
        self._say(f"stopping ({reason}): {STOPPING}")

    def workers_changed(self, ready: int, problem: str | None) -> None:
        """See StudyObserver."""
        self._progress.workers = ready
        self._say(f"a worker is lost: {problem}" if problem else f"{pluralize(ready, 'worker')} ready")

    def warned(self, sentence: str) -> None:
        """See StudyObserver."""
        self._say(f"warning: {sentence}")

    def _say(self, line: str) -> None:
        """Falls silent where nobody reads any more: a study goes on without its output."""
        line = f"{self._progress.elapsed_s():7.1f} s  {line.rstrip()}"
        try:
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
        except (OSError, NotWritable):
            self._console.quiet = True
        except SystemExit:
            if not self._console.quiet:  # else it is rich's answer to a broken pipe
                raise


class LiveView(StudyObserver):
    """A table of the running trials that is redrawn four times a second; use it as a context manager."""

    def __init__(self, progress: Progress, console: Console, opening: str) -> None:
        """Draws on a terminal; `opening` until the first worker is ready."""
        self._progress, self._opening = progress, opening
        self._live = Live(console=console, get_renderable=self.draw, refresh_per_second=4, transient=True)

    def __enter__(self) -> "LiveView":
        self._live.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._live.__exit__(None, None, None)

    def trial_started(self, number: int, model: str, params: Params, worker: str) -> None:
        """See StudyObserver."""
        self._progress.start(number, model, params, worker)

    def measured(self, number: int, measurement: Measurement) -> None:
        """See StudyObserver."""
        self._progress.measure(number, measurement)

    def trial_waits(self, number: int, reason: str) -> None:
        """See StudyObserver."""
        self._progress.put_aside(number, reason)

    def trial_ended(self, number: int, state: TrialState, value: float | None, error: str | None) -> None:
        """See StudyObserver."""
        self._progress.end(number, state, value, error)

    def stopping(self, reason: str) -> None:
        """See StudyObserver."""
        self._progress.problem = f"stopping ({reason}): {STOPPING}"

    def workers_changed(self, ready: int, problem: str | None) -> None:
        """See StudyObserver."""
        self._progress.workers = ready
        self._progress.problem = problem or self._progress.problem

    def warned(self, sentence: str) -> None:
        """See StudyObserver; it stays above the table."""
        self._live.console.print(f"warning: {sentence}", style="yellow", highlight=False, markup=False)

    def draw(self) -> RenderableType:
        """The picture of this moment; a line that is too long for the terminal is ellipsized."""
        progress = self._progress
        lines: list[RenderableType] = [self._counts(), self._times()]
        if progress.best is not None:
            value, number, model = progress.best
            best = f"best {progress.spec.search.objective} {value:.4f}  (trial {number}, {model})"
            lines.append(ellipsized((best, "green")))
        if progress.running:
            lines.append(self._running_table())
        if progress.problem:
            lines.append(ellipsized((f"last trouble: {progress.problem}", "yellow")))
        return Group(*lines)

    def _counts(self) -> Text:
        progress = self._progress
        done = f"{sum(progress.ended.values())}/{progress.spec.trials} trials"
        by_state = [(f"  {count} {state.value}", STATE_STYLES[state]) for state, count in progress.ended.items()]
        workers = "" if progress.workers is None else f"  {pluralize(progress.workers, 'worker')}"
        return ellipsized((progress.spec.name, "bold"), f"  {done}", *by_state, workers)

    def _times(self) -> Text:
        progress = self._progress
        elapsed = f"{format_time(progress.elapsed_s())} elapsed"
        if progress.workers is None:
            return ellipsized(f"{self._opening} ...  {elapsed}")
        if sum(progress.ended.values()) >= progress.spec.trials:
            return ellipsized(f"{elapsed}, scoring the best on the test set ...")
        remaining = progress.remaining_s()
        return ellipsized(elapsed if remaining is None else f"{elapsed}, about {format_time(remaining)} left")

    def _running_table(self) -> Table:
        objective = self._progress.spec.search.objective
        table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
        for name, justify in _COLUMNS:
            table.add_column(name or objective, justify=justify, no_wrap=True)
        table.add_column("parameters")  # the one that gives way on a narrow terminal
        for number, running in sorted(self._progress.running.items()):
            metrics = running.measurement.metrics if running.measurement else None
            table.add_row(
                str(number),
                running.model,
                running.worker,
                f"{running.epoch}/{running.epochs}",
                ProgressBar(total=running.epochs, completed=running.epoch, width=10),
                f"{metrics[objective]:.4f}" if metrics else "",
                format_count(metrics[SPEED]) if metrics else "",
                ellipsized(format_params(running.params)),
            )
        return table


def ellipsized(*parts: str | tuple[str, str]) -> Text:
    """Texts, or texts with their style, in one line that ends in an ellipsis where the terminal does."""
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def pluralize(number: int, thing: str) -> str:
    """1 as "1 worker", 2 as "2 workers"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def format_params(params: Params) -> str:
    """A trial's parameters in one line, by the last part of their names."""
    return "  ".join(f"{name.rsplit('.', 1)[-1]}={format_param(value)}" for name, value in params.items())


def format_count(number: float) -> str:
    """1234567 as "1.23M"."""
    for divisor, unit in ((1e6, "M"), (1e3, "k")):
        if number >= divisor:
            return f"{number / divisor:.3g}{unit}"
    return f"{number:.3g}"


def format_time(seconds: float) -> str:
    """Seconds as "42 s" or "3:07 min"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"
