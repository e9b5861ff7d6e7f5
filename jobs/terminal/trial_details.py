"""Draws one trial of a study: parameters, epochs, attempts, and the traceback if it failed."""

from datetime import datetime, timezone

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cluster.results.trial_details import TrialDetails
from cluster.spec.space import format_param
from jobs.tables import table
from jobs.terminal.output import STATE_STYLES, format_time


def draw_trial(details: TrialDetails, console: Console) -> None:
    """Draws a trial."""
    trial = details.trial
    state = f"[{STATE_STYLES[trial.state]}]{trial.state.value}[/]"
    console.print(f"[bold]trial {trial.number}[/]  {trial.model}  {state}  seed {trial.seed}", highlight=False)
    for name, value in trial.params.items():
        console.print(f"{name} = {format_param(value)}", highlight=False, markup=False)
    if details.measurements:
        console.print(_epochs(details))
    if details.attempts:
        console.print(_attempts(details))
    for name, value in (trial.test or {}).items():
        console.print(f"{name}  {value:.4f}", highlight=False)
    if trial.weights_sha256:
        console.print(f"weights  SHA-256 {trial.weights_sha256}", highlight=False, soft_wrap=True)
    if failure := details.last_failure:
        console.print(Text(f"\nattempt {failure.attempt}: {failure.error}", style="red"), soft_wrap=True)
        if failure.traceback:
            console.print(f"\n{failure.traceback.rstrip()}", highlight=False, markup=False, soft_wrap=True)


def _epochs(details: TrialDetails) -> Table:
    names = [name for name in details.measurements[-1].metrics if not name.startswith("perf/")]
    drawn = table("epoch", *names, "time")
    for measurement in details.measurements:
        values = (measurement.metrics.get(name) for name in names)
        cells = ("" if value is None else f"{value:.4f}" for value in values)
        drawn.add_row(str(measurement.epoch), *cells, f"{measurement.elapsed_s:.1f} s")
    return drawn


def _attempts(details: TrialDetails) -> Table:
    drawn = table("attempt", "worker", "started (UTC)", "took", "outcome", left=("worker", "outcome", "started (UTC)"))
    drawn.add_column("error")
    for attempt in details.attempts:
        started = datetime.fromtimestamp(attempt.started_at, timezone.utc)
        drawn.add_row(
            str(attempt.attempt),
            attempt.worker,
            f"{started:%Y-%m-%d %H:%M:%S}",
            "" if attempt.ended_at is None else format_time(max(0.0, attempt.ended_at - attempt.started_at)),
            attempt.outcome or "unfinished",
            Text(attempt.error or ""),
        )
    return drawn
