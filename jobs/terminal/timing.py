"""Draws where the time of a study went."""

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from cluster.run_dir.paths import RunDir
from cluster.store.reader import StudyReader
from cluster.time_spent import (
    CHECKPOINTS,
    DRIVER,
    EVALUATION,
    EVENTS,
    FINISH,
    IDLE,
    INSTRUCTIONS,
    MESSAGES,
    NOT_REPORTED,
    OTHER_WORK,
    REST,
    SEARCH,
    START,
    STORE,
    TENSORBOARD,
    TERMINAL,
    TRAINING,
    SecondsByPart,
    StudyTimes,
    study_times,
)
from jobs.terminal.live_view import pluralize

_OF_WORKERS = {
    START: "until they are ready: Ray, imports, contexts",
    TRAINING: "",
    EVALUATION: "on the validation images, after each epoch",
    OTHER_WORK: "networks made, states packed",
    NOT_REPORTED: "epochs under way, and those lost with their worker",
    MESSAGES: "an instruction or a report on its way, or the driver busy with another worker's",
    DRIVER: "reported, and waiting for the driver's answer",
    IDLE: "without a trial",
    FINISH: "trials over: test scores, tables",
}
_OF_DRIVER = {
    START: "until the first worker is ready",
    STORE: "what happened, on the disk",
    SEARCH: "proposals, and who is stopped early",
    CHECKPOINTS: "training states",
    TENSORBOARD: "",
    TERMINAL: "the view of the running study",
    INSTRUCTIONS: "handing them to the workers",
    EVENTS: "waiting for the workers; with --local the worker's own time",
    REST: "",
    FINISH: "test scores, tables, best model",
}


def show_timing(run_dir: RunDir, as_json: bool, console: Console) -> None:
    """Prints where the time of a study has gone so far, as tables or as JSON; null where nothing is known of it.

    Raises:
        RunDirError: the store cannot be read.
    """
    times = _read(run_dir)
    if as_json:
        click.echo(json.dumps(None if times is None else asdict(times), indent=2))
    elif times is None:
        console.print("where the time went is not known: the study began a moment ago, or an earlier version ran it")
    else:
        _show(times, console)


def _read(run_dir: RunDir) -> StudyTimes | None:
    store = StudyReader.open(run_dir.store)
    try:
        return study_times(store.times_spent())
    finally:
        store.close()


def _show(times: StudyTimes, console: Console) -> None:
    sessions = "" if times.sessions == 1 else f" in {times.sessions} sessions"
    console.print(f"{times.elapsed_s:.1f} s{sessions}, {pluralize(times.workers, 'worker')}", highlight=False)
    console.print(_table("the workers' time", times.worker_s, _OF_WORKERS))
    console.print(
        f"between start and finish workers waited for {times.waiting:.1%} of their time, "
        f"in the second half for {times.waiting_later:.1%}\n",
        highlight=False,
    )
    console.print(_table("the driver's time", times.driver_s, _OF_DRIVER))


def _table(title: str, seconds: SecondsByPart, notes: dict[str, str]) -> Table:
    whole_s = sum(seconds.values())
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(title, no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("")
    for part, note in notes.items():
        share = seconds[part] / whole_s if whole_s else 0.0
        table.add_row(part, f"{seconds[part]:.2f}", f"{share:.1%}", f"[dim]{note}[/]")
    return table
