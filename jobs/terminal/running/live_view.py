"""Shows a running study in a terminal: counts, the best so far, and a live table of the running trials."""

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from typing_extensions import Self, override

from cluster.driver.observer import StudyEvent, StudyObserver, StudyWarning
from jobs.tables import table
from jobs.terminal.output import STATE_STYLES, ellipsized, format_count, format_rows_of_params, format_time, pluralize
from jobs.terminal.running.progress import Progress, TrialProgress


class LiveView(StudyObserver):
    """Redraws a table of the running trials four times a second; a context manager."""

    def __init__(self, progress: Progress, console: Console, opening: str) -> None:
        """Draws on a terminal; `opening` says what happens until the first worker is ready, e.g. "starting Ray"."""
        self._progress = progress
        self._opening = opening
        # Ray keeps the streams that it finds and uses them at exit, so they must not be rich's short-lived proxies.
        self._live = Live(
            console=console,
            get_renderable=self.draw,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._live.__exit__(None, None, None)

    @override
    def notify(self, event: StudyEvent) -> None:
        self._progress.update(event)
        if isinstance(event, StudyWarning):  # stays above the table
            self._live.console.print(f"warning: {event.message}", style="yellow", highlight=False, markup=False)

    def draw(self) -> RenderableType:
        """Draws the current state of the study; a line too long for the terminal ends in an ellipsis."""
        progress = self._progress
        lines: list[RenderableType] = [self._counts(), self._times()]
        if progress.best is not None:
            value, number, model = progress.best
            best = f"best {progress.spec.search.objective} {value:.4f}  (trial {number}, {model})"
            lines.append(ellipsized((best, "green")))
        if progress.running:
            lines.append(self._running_table())
        if progress.problem:
            lines.append(ellipsized((f"last problem: {progress.problem}", "yellow")))
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
        columns = ("trial", "network", "worker", "epoch", " ", objective, "samples/s")
        drawn = table(*columns, left=("network", "worker", " "))
        drawn.add_column("parameters")  # this one is shortened on a narrow terminal
        rows = sorted(self._progress.running.items())
        texts = format_rows_of_params([running.trial.params for _, running in rows])
        for (number, running), params in zip(rows, texts, strict=True):
            drawn.add_row(str(number), *_cells(running, objective), ellipsized(params))
        return drawn


def _cells(running: TrialProgress, objective: str) -> list[RenderableType]:
    metrics = running.measurement.metrics if running.measurement else None
    return [
        running.model,
        running.worker,
        f"{running.epoch}/{running.epochs}",
        ProgressBar(total=running.epochs, completed=running.epoch, width=10),
        f"{metrics[objective]:.4f}" if metrics else "",
        format_count(metrics["perf/samples_per_second"]) if metrics else "",
    ]
