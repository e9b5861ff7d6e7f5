"""Draws a study's leaderboard and where its files are. Loads neither MXNet nor Ray."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cluster.results.summary import StudySummary
from cluster.run_dir.paths import RunDir
from cluster.trial import TrialRecord, TrialState
from jobs.tables import Column, fitted_table
from jobs.terminal.fields import searched_fields, trial_epochs
from jobs.terminal.output import STATE_STYLES, STATE_WORDS, format_time, pluralize
from jobs.terminal.ranking import Ranking
from jobs.terminal.running.opening import tensorboard_command

SHOWN_FAILURES = 5


def draw_summary(summary: StudySummary, console: Console, ranking: Ranking | None = None) -> None:
    """Draws a study's state, its leaderboard, the best of each network on the test set, and its failures."""
    ranking = ranking or Ranking()
    console.print(_headline(summary), highlight=False, soft_wrap=True)
    rows = ranking.sort(summary)
    shown = rows[: ranking.shown(len(rows))]
    if rows:
        drawn, left_out = leaderboard(summary, shown, console)
        console.print(drawn)
        if left_out:
            console.print(f"[dim]not enough columns here for {', '.join(left_out)}[/]", highlight=False)
    if len(shown) < len(rows):
        console.print(f"[dim]and {len(rows) - len(shown)} more: `--all` shows them[/]", highlight=False)
    tested = [trial for trial in summary.best_of_each_kind() if trial.test]
    if tested:
        _draw_tests(tested, console)
    for trial in _failed(summary)[:SHOWN_FAILURES]:
        line = f"[red]trial {trial.number} failed:[/] {escape(trial.error or '')}"
        console.print(line, highlight=False, soft_wrap=not console.is_terminal)


def draw_files(summary: StudySummary, run_dir: RunDir, console: Console) -> None:
    """Draws where a study's files are, and how to open them."""
    console.print()
    if run_dir.has_best_model():  # an interrupted study may have a best trial without one
        _draw_file(console, "best model", f"{run_dir.best}-symbol.json, -0000.params")
    _draw_file(console, "results", str(run_dir.results))
    if run_dir.report.is_file():
        _draw_file(console, "report", str(run_dir.report))
    _draw_file(console, "TensorBoard", tensorboard_command(run_dir, len(summary.trials)))


def _draw_file(console: Console, name: str, value: str) -> None:
    console.print(f"{name:<14}{value}", highlight=False, markup=False, soft_wrap=True)


def _headline(summary: StudySummary) -> str:
    """Returns a study's state in one line, as `quickstart  complete  9 of 9 trials: 4 complete, 5 pruned`."""
    counts = [
        f"[{STATE_STYLES[state]}]{count} {STATE_WORDS[state]}[/]"
        for state in TrialState
        if (count := sum(trial.state is state for trial in summary.trials))
    ]
    ended = sum(trial.state.is_finished() for trial in summary.trials)
    has_news = summary.reason is not None and summary.reason != summary.state
    reason = f" ({escape(summary.reason or '')})" if has_news else ""
    trials = f"{ended} of {pluralize(summary.spec.trials, 'trial')}"
    listed = f": {', '.join(counts)}" if counts else ""
    return (
        f"[bold]{summary.spec.name}[/]  {summary.state}{reason}  {trials}{listed}  by {summary.spec.search.objective}"
    )


def leaderboard(summary: StudySummary, rows: Sequence[TrialRecord], console: Console) -> tuple[Table, list[str]]:
    """Returns a table of trials with the columns for which a terminal has room, and the fields that it leaves out."""
    spec = summary.spec
    fields = searched_fields(spec)
    objective = spec.search.objective
    tested = objective.replace("val/", "test/")
    trained = "train/loss" if objective == "val/loss" else "train/accuracy"
    several = len(spec.model_kinds) > 1
    columns = [
        Column("trial", [str(trial.number) for trial in rows]),
        Column("network", [trial.model for trial in rows], rank=0 if several else 5, left=True),
        *(Column(field.header, field.cells([trial.params for trial in rows]), rank=2) for field in fields),
        Column("state", [f"[{STATE_STYLES[trial.state]}]{trial.state.value}[/]" for trial in rows], left=True),
        Column("epochs", [f"{trial.epochs}/{trial_epochs(spec, trial.params)}" for trial in rows], rank=3),
        Column("train", [_number(trial.metrics.get(trained)) for trial in rows], rank=5),
        Column("val", [_number(trial.value) for trial in rows]),
        Column("test", [_number((trial.test or {}).get(tested)) for trial in rows], rank=1),
        Column("time", [format_time(trial.seconds) for trial in rows], rank=4),
    ]
    drawn, left_out = fitted_table(columns, console, console.width)
    return drawn, [name for name in left_out if name in {field.header for field in fields}]


def _draw_tests(tested: Sequence[TrialRecord], console: Console) -> None:
    """Draws the scores on the test images, a row for each network."""
    names = dict.fromkeys(name for trial in tested for name in trial.test or {})
    columns = [
        Column("on the test images", [f"[green]best {trial.model}[/]" for trial in tested], left=True),
        Column("trial", [str(trial.number) for trial in tested]),
        *(
            Column(
                name.removeprefix("test/").removesuffix("_accuracy"),
                [_number((trial.test or {}).get(name)) for trial in tested],
            )
            for name in names
        ),
    ]
    console.print()
    console.print(fitted_table(columns, console, console.width)[0])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _failed(summary: StudySummary) -> list[TrialRecord]:
    return [trial for trial in summary.trials if trial.state is TrialState.FAIL]
