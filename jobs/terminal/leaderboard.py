"""Draws a study's leaderboard and where its files are. Loads neither MXNet nor Ray."""

import resource

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cluster.results.summary import StudySummary
from cluster.run_dir.paths import RunDir
from cluster.run_dir.shell import shell_command
from cluster.trial import TrialRecord, TrialState
from jobs.tables import table
from jobs.terminal.output import STATE_STYLES, ellipsized, format_rows_of_params, format_time

LONGEST_LEADERBOARD = 20
SHOWN_FAILURES = 5
USUAL_OPEN_FILES, SPARE_OPEN_FILES = 1024, 64


def draw_summary(summary: StudySummary, console: Console) -> None:
    """Draws a study's state, its leaderboard, the best of each network on the test set, and its failures."""
    counts = ", ".join(f"{count} {state}" for state, count in summary.counts().items()) or "no trial yet"
    reason = f" ({summary.reason})" if summary.reason else ""
    console.print(f"[bold]{summary.spec.name}[/]  {summary.state}{reason}: {counts} of {summary.spec.trials} trials")
    if summary.trials:
        console.print(_leaderboard(summary))
    for trial in summary.best_of_each_kind():
        tested = "  ".join(f"{name} {value:.4f}" for name, value in (trial.test or {}).items())
        console.print(f"[green]best {trial.model}[/]  trial {trial.number}  {tested}", highlight=False)
    for trial in _failed(summary)[:SHOWN_FAILURES]:
        console.print(f"[red]trial {trial.number} failed:[/] {escape(trial.error or '')}", highlight=False)


def draw_files(summary: StudySummary, run_dir: RunDir, console: Console) -> None:
    """Draws where a study's files are, and how to open them."""
    console.print()
    if run_dir.has_best_model():  # an interrupted study may have a best trial without one
        _draw_file(console, "best model", f"{run_dir.best}-symbol.json, -0000.params")
    _draw_file(console, "results", str(run_dir.results))
    if run_dir.report.is_file():
        _draw_file(console, "report", str(run_dir.report))
    loader = ("--load_fast=false",) if len(summary.trials) > _tensorboard_capacity() else ()
    _draw_file(console, "TensorBoard", shell_command("tensorboard", *loader, "--logdir", run_dir.tensorboard))


def _tensorboard_capacity() -> int:
    """Returns how many trials TensorBoard's fast loader can show: it keeps a file open for each.

    Beyond that, it shows none again and again. Its other loader (`--load_fast=false`) shows any number.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    usual = min(limit, USUAL_OPEN_FILES) if limit >= 0 else USUAL_OPEN_FILES  # Ray may have raised this process's
    return usual - SPARE_OPEN_FILES


def _draw_file(console: Console, name: str, value: str) -> None:
    console.print(f"{name:<14}{value}", highlight=False, markup=False, soft_wrap=True)


def _leaderboard(summary: StudySummary) -> Table:
    """Returns the table of trials: complete ones by rank, then the others by number."""
    others = [trial for trial in summary.trials if trial.state is not TrialState.COMPLETE]
    rows = [*summary.ranked(), *others]
    shown = rows[:LONGEST_LEADERBOARD]
    objective = summary.spec.search.objective
    tested = "test/digit_accuracy" if objective == "val/digit_accuracy" else "test/accuracy"
    columns = ("trial", "network", "state", "epochs", objective, tested, "time")
    drawn = table(*columns, left=("network", "state"))
    drawn.add_column("parameters")  # this one is shortened on a narrow terminal
    for trial, params in zip(shown, format_rows_of_params([trial.params for trial in shown]), strict=True):
        drawn.add_row(
            str(trial.number),
            trial.model,
            f"[{STATE_STYLES[trial.state]}]{trial.state.value}[/]",
            str(trial.epochs),
            "" if trial.value is None else f"{trial.value:.4f}",
            "" if trial.test is None else f"{trial.test.get(tested, trial.test['test/accuracy']):.4f}",
            format_time(trial.seconds),
            ellipsized(params),
        )
    if len(rows) > LONGEST_LEADERBOARD:
        drawn.caption = f"and {len(rows) - LONGEST_LEADERBOARD} more: --json shows all"
    return drawn


def _failed(summary: StudySummary) -> list[TrialRecord]:
    return [trial for trial in summary.trials if trial.state is TrialState.FAIL]
