"""Draws a study's leaderboard and where its files are. Loads neither MXNet nor Ray."""

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cluster.results.summary import StudySummary, read_summary
from cluster.run_dir.paths import RunDir
from cluster.trial import TrialRecord, TrialState
from jobs.terminal.live_view import STATE_STYLES, ellipsized, format_params, format_time

LONGEST_LEADERBOARD = 20


def show_leaderboard(run_dir: RunDir, as_json: bool, console: Console) -> None:
    """Prints a study as it is now; see show_summary, or StudySummary.to_json for machines.

    Raises:
        RunDirError: the store or the spec cannot be read.
    """
    summary = read_summary(run_dir)
    if as_json:
        click.echo(summary.to_json())
    else:
        show_summary(summary, console)


def show_summary(summary: StudySummary, console: Console) -> None:
    """Prints state, leaderboard, the best of each network on the test set, and failures of a study."""
    counts = ", ".join(f"{count} {state}" for state, count in summary.counts().items()) or "no trial yet"
    reason = f" ({summary.reason})" if summary.reason else ""
    console.print(f"[bold]{summary.spec.name}[/]  {summary.state}{reason}: {counts} of {summary.spec.trials} trials")
    if summary.trials:
        console.print(_leaderboard(summary))
    for trial in summary.best_of_each_kind():
        tested = "  ".join(f"{name} {value:.4f}" for name, value in (trial.test or {}).items())
        console.print(f"[green]best {trial.model}[/]  trial {trial.number}  {tested}", highlight=False)
    for trial in _failed(summary)[:5]:
        console.print(f"[red]trial {trial.number} failed:[/] {escape(trial.error or '')}", highlight=False)


def show_results(summary: StudySummary, run_dir: RunDir, console: Console) -> None:
    """Prints where a study's files are, and what to type next."""
    console.print()
    if summary.best is not None:
        _say(console, "best model", f"{run_dir.best}-symbol.json, -0000.params")
    _say(console, "results", str(run_dir.results))
    _say(console, "TensorBoard", f"tensorboard --logdir {run_dir.tensorboard}")


def _say(console: Console, name: str, value: str) -> None:
    console.print(f"{name:<14}{value}", highlight=False, markup=False, soft_wrap=True)


def _leaderboard(summary: StudySummary) -> Table:
    """Complete trials by rank, then the others by number."""
    ranked = summary.ranked()
    others = [trial for trial in summary.trials if trial.state is not TrialState.COMPLETE]
    rows = [*ranked, *others]
    objective = summary.spec.search.objective
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("trial", "network", "state", "epochs", objective, "test/accuracy", "time"):
        table.add_column(name, justify="left" if name in ("network", "state") else "right", no_wrap=True)
    table.add_column("parameters")  # the one that gives way on a narrow terminal
    for trial in rows[:LONGEST_LEADERBOARD]:
        table.add_row(
            str(trial.number),
            trial.model,
            f"[{STATE_STYLES[trial.state]}]{trial.state.value}[/]",
            str(trial.epochs),
            "" if trial.value is None else f"{trial.value:.4f}",
            "" if trial.test is None else f"{trial.test['test/accuracy']:.4f}",
            format_time(trial.seconds),
            ellipsized(format_params(trial.params)),
        )
    if len(rows) > LONGEST_LEADERBOARD:
        table.caption = f"and {len(rows) - LONGEST_LEADERBOARD} more: --json shows all"
    return table


def _failed(summary: StudySummary) -> list[TrialRecord]:
    return [trial for trial in summary.trials if trial.state is TrialState.FAIL]
