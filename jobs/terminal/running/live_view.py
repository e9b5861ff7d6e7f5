"""Shows a running study in a terminal: counts, the best of each network, the running and the last ended trials."""

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.text import Text
from typing_extensions import Self, override

from cluster.driver.observer import StudyEvent, StudyObserver, StudyOpened, StudyWarning
from cluster.trial import TrialState
from jobs.terminal.fields import SearchedField, format_fields, searched_fields
from jobs.terminal.output import STATE_STYLES, STATE_WORDS, ellipsized, pluralize
from jobs.terminal.running.opening import opening_lines
from jobs.terminal.running.progress import EndedTrial, Progress
from jobs.terminal.running.running_table import format_clock, running_table

# A table of 20 rows takes 10 ms of the driver's time, most of it in rich.
_DRAWN_PER_S = 2
_MOST_RUNNING = 20
_MOST_ENDED = 4
_BAR_WIDTH = 40


class LiveView(StudyObserver):
    """Redraws the state of a study twice a second; a context manager."""

    def __init__(self, progress: Progress, console: Console, opening: str) -> None:
        """Draws on a terminal; `opening` says what happens until the first worker is ready, e.g. "starting Ray"."""
        self._progress = progress
        self._screen = StudyScreen(progress, opening)
        # Ray keeps the streams that it finds and uses them at exit, so they must not be rich's short-lived proxies.
        self._live = Live(
            console=console,
            get_renderable=self.draw,
            refresh_per_second=_DRAWN_PER_S,
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
        console = self._live.console
        if isinstance(event, StudyOpened):  # stays above the table
            name, *others = opening_lines(self._progress.spec, event)
            console.print(name, style="bold", highlight=False, markup=False)
            for line in others:
                console.print(line, highlight=False, markup=False, soft_wrap=True)
        if isinstance(event, StudyWarning):
            console.print(f"warning: {event.message}", style="yellow", highlight=False, markup=False)

    def draw(self) -> RenderableType:
        """Draws the current state of the study."""
        self._progress.read_batches()
        return self._screen


class StudyScreen:
    """A running study, drawn to fit a terminal's width and height; a line too long for it ends in an ellipsis."""

    def __init__(self, progress: Progress, opening: str = "waiting for workers") -> None:
        """Draws the state that `progress` has whenever it is drawn."""
        self._progress = progress
        self._opening = opening
        self._fields = searched_fields(progress.spec)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draws the study."""
        progress = self._progress
        lines: list[RenderableType] = [self._counts(options.max_width), self._times()]
        if progress.best_of:
            lines.append(self._best(options.max_width))
        ended = list(progress.last_ended)[:_MOST_ENDED]
        if progress.running:
            room = max(2, console.height - len(lines) - len(ended) - 7)  # the opening, the header, and spare lines
            lines.append(running_table(progress, self._fields, console, options, min(room, _MOST_RUNNING)))
        lines.extend(_ended_line(trial, self._fields, index == 0) for index, trial in enumerate(ended))
        if progress.problem and progress.problem not in {f"trial {trial.number}: {trial.reason}" for trial in ended}:
            lines.append(ellipsized((f"last problem: {progress.problem}", "yellow")))
        if progress.stopping:
            lines.append(ellipsized((progress.stopping, "yellow")))
        yield Group(*lines)

    def _counts(self, width: int) -> RenderableType:
        progress = self._progress
        done, trials = progress.ended_count, progress.spec.trials
        by_state = [
            (f"  {progress.ended[state]} {STATE_WORDS[state]}", STATE_STYLES[state])
            for state in TrialState
            if state in progress.ended
        ]
        counts = ellipsized(f"{done} of {pluralize(trials, 'trial')}", *by_state)
        room = width - counts.cell_len - 2
        if room < 10:
            return counts
        partly = sum(trial.epochs_done / trial.epochs for trial in list(progress.running.values()))
        bar = ProgressBar(trials, done + partly, min(room, _BAR_WIDTH), complete_style="cyan", finished_style="green")
        return _Beside(counts, bar)

    def _times(self) -> Text:
        progress = self._progress
        elapsed = f"{format_clock(progress.elapsed_s())} elapsed"
        if progress.workers is None:
            return ellipsized(f"{self._opening} ...  {elapsed}")
        workers = pluralize(progress.workers, "worker")
        if progress.ended_count >= progress.spec.trials:
            return ellipsized(f"{elapsed}, scoring the best on the test set ...")
        remaining = progress.remaining_s()
        left = "" if remaining is None else f", about {format_clock(_rounded(remaining))} left"
        return ellipsized(f"{elapsed}{left}  {workers}")

    def _best(self, width: int) -> Text:
        """Returns the best trial of each network, with its fields if there is room for them."""
        progress = self._progress
        kinds = progress.spec.model_kinds
        found = [kind for kind in kinds if kind in progress.best_of]
        found.sort(key=lambda kind: progress.spec.search.direction.rank_key(*progress.best_of[kind][:2]))
        missing = [kind for kind in kinds if kind not in progress.best_of]
        for fields in (self._fields, ()):
            parts = [_best_of(kind if len(kinds) > 1 else "", progress.best_of[kind], fields) for kind in found]
            line = ellipsized(("best  ", "green"), "   ".join([*parts, *(f"{kind} -" for kind in missing)]))
            if line.cell_len <= width:
                break
        return line


class _Beside:
    """A text and a bar in one line."""

    def __init__(self, text: Text, bar: ProgressBar) -> None:
        self._text, self._bar = text, bar

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._text.render(console, end="")
        yield Text("  ", end="")
        yield self._bar
        yield Segment.line()


def _best_of(kind: str, best: tuple[float, int, object], fields: Sequence[SearchedField]) -> str:
    value, number, params = best
    described = format_fields(fields, params)  # type: ignore[arg-type]
    return f"{kind} {value:.4f} #{number} {described.replace('  ', ' ')}".strip()


def _ended_line(trial: EndedTrial, fields: Sequence[SearchedField], is_first: bool) -> Text:
    """Returns a trial's number and network, why it ended, and last its fields, which may be cut."""
    return ellipsized(
        ("ended  " if is_first else "       ", "dim"),
        f"#{trial.number} {trial.model}".rstrip(),
        (f"  {STATE_WORDS[trial.state]}", STATE_STYLES[trial.state]),
        f" {trial.reason}",
        (f"  {format_fields(fields, trial.params)}".rstrip(), "dim"),
    )


def _rounded(seconds: float) -> float:
    """Returns a time with the precision of an estimate."""
    return 5 * round(seconds / 5) if seconds >= 30 else seconds
