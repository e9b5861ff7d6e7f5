"""`mxtrials show --watch`: draws a study that another process runs, from its files, until it ends."""

import time
from collections.abc import Callable
from contextlib import suppress

from rich.console import Console, Group, RenderableType
from rich.live import Live

from cluster.results.summary import StudySummary, read_summary
from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.trial import TrialRecord, TrialState
from jobs.terminal.leaderboard import draw_summary, leaderboard
from jobs.terminal.ranking import Ranking
from jobs.terminal.running.live_view import StudyScreen
from jobs.terminal.running.progress import EndedTrial, Progress, TrialProgress
from jobs.terminal.running.time_left import TimeLeft

_EVERY_S = 1.0
_READ_ENDED = 12  # how many ended trials are looked at to find those that ended last
_SHOWN_ENDED = 4
_USUAL_ROWS = 8


def watch_study(
    run_dir: RunDir, ranking: Ranking, console: Console, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Draws a study until no process runs it any more, then its results. Ctrl-C ends the watching only.

    Raises:
        MxtrialsError: the study cannot be read, or has no column to sort by.
    """
    summary = read_summary(run_dir)
    ranking.sort(summary)  # rejects a column that does not exist
    time_left = TimeLeft(summary.spec)
    with (
        suppress(KeyboardInterrupt),
        Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False) as live,
    ):
        while summary.state == "running":
            live.update(_screen(run_dir, summary, ranking, time_left, console), refresh=True)
            sleep(_EVERY_S)
            summary = read_summary(run_dir)
    draw_summary(summary, console, ranking)


def _screen(
    run_dir: RunDir, summary: StudySummary, ranking: Ranking, time_left: TimeLeft, console: Console
) -> RenderableType:
    progress = read_progress(run_dir, summary, time_left)
    rows = ranking.sort(summary)
    most = len(rows) if ranking.shows_all else ranking.top or _USUAL_ROWS
    title = f"[bold]{summary.spec.name}[/]  {run_dir.path}  by {summary.spec.search.objective}"
    return Group(title, StudyScreen(progress), "", leaderboard(summary, rows[:most], console)[0])


def read_progress(run_dir: RunDir, summary: StudySummary, time_left: TimeLeft) -> Progress:
    """Reads how far a running study is: what its own process knows from events.

    Args:
        run_dir: of the study.
        summary: the study.
        time_left: the estimate so far, which is updated.
    """
    spec = summary.spec
    ended = [trial for trial in summary.trials if trial.state.is_finished()]
    running = [trial for trial in summary.trials if trial.state is TrialState.RUNNING]
    with StudyReader.open(run_dir.store) as reader:
        attempts = reader.attempts(0)
        started_at = attempts[0].started_at if attempts else time.time()
        progress = Progress(spec, time.time, run_dir=run_dir, started_s=started_at, time_left=time_left)
        for trial in ended:
            progress.count_finished(trial)
        for trial in running:
            measurements = reader.measurements(trial.number)
            values = [measured.metrics[spec.search.objective] for measured in measurements]
            latest = measurements[-1] if measurements else None
            resolved = trial.resolve(spec)
            progress.running[trial.number] = TrialProgress(resolved, trial.worker or "", latest, values)
        progress.last_ended.extend(_last_ended(reader, ended))
    progress.ended_before = 0
    progress.workers = len(running) if attempts else None
    _learn_speed(time_left, summary)
    progress.read_batches()
    return progress


def _last_ended(reader: StudyReader, ended: list[TrialRecord]) -> list[EndedTrial]:
    """Returns the trials that ended last, latest first."""
    times = {trial.number: reader.attempts(trial.number)[-1].ended_at or 0.0 for trial in ended[-_READ_ENDED:]}
    latest = sorted(ended[-_READ_ENDED:], key=lambda trial: times[trial.number], reverse=True)
    return [
        EndedTrial(trial.number, trial.model, trial.params, trial.state, _reason(trial))
        for trial in latest[:_SHOWN_ENDED]
    ]


def _reason(trial: TrialRecord) -> str:
    if trial.error is not None:
        return trial.error
    value = "" if trial.value is None else f"{trial.value:.4f}"
    return f"after {trial.epochs}: {value}" if trial.state is TrialState.PRUNED else value


def _learn_speed(time_left: TimeLeft, summary: StudySummary) -> None:
    """Tells the estimate how long epochs took."""
    for trial in summary.trials:
        time_left.start(trial.number)
        if trial.epochs:
            time_left.measure(trial.model, trial.seconds / trial.epochs)
