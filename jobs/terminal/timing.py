"""Draws where the time of a study went."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from cluster.time_spent import Part, SecondsByPart, StudyTimes
from jobs.tables import table
from jobs.terminal.output import pluralize

_OF_WORKERS = {
    Part.START: "until the workers are ready: Ray, imports, contexts",
    Part.TRAINING: "",
    Part.EVALUATION: "on the validation images, after each epoch",
    Part.OTHER_WORK: "building networks, packing states",
    Part.NOT_REPORTED: "epochs in progress, and those lost with their worker",
    Part.MESSAGES: "instructions and reports in transit, or waiting for a busy driver",
    Part.DRIVER: "waiting for the driver's decision",
    Part.IDLE: "without a trial",
    Part.FINISH: "after the trials: test scores, tables",
}
_OF_DRIVER = {
    Part.START: "until the first worker is ready",
    Part.STORE: "writing what happened",
    Part.SEARCH: "proposing and pruning trials",
    Part.CHECKPOINTS: "saving and loading training states",
    Part.TENSORBOARD: "",
    Part.TERMINAL: "the view of the running study",
    Part.INSTRUCTIONS: "handing them to the workers",
    Part.EVENTS: "waiting for the workers; with --local the worker's own time",
    Part.REST: "",
    Part.FINISH: "test scores, tables, best model",
}


def draw_timing(times: StudyTimes | None, console: Console) -> None:
    """Draws the time of the workers and the driver, by part; times: None if nothing is recorded."""
    if times is None:
        console.print("no timing is recorded: the study has just started, or an older version ran it")
        return
    sessions = "" if times.sessions == 1 else f" in {times.sessions} sessions"
    console.print(f"{times.elapsed_s:.1f} s{sessions}, {pluralize(times.workers, 'worker')}", highlight=False)
    console.print(_table("the workers' time", times.worker_s, _OF_WORKERS))
    console.print(
        f"between start and finish, workers spent {times.waiting:.1%} of their time waiting, "
        f"{times.waiting_later:.1%} in the second half\n",
        highlight=False,
    )
    console.print(_table("the driver's time", times.driver_s, _OF_DRIVER))


def _table(title: str, seconds: SecondsByPart, notes: Mapping[Part, str]) -> Table:
    whole_s = sum(seconds.values())
    drawn = table(title, "seconds", "share", left=(title,))
    drawn.add_column("")
    for part, note in notes.items():
        share = seconds[part] / whole_s if whole_s else 0.0
        drawn.add_row(part.value, f"{seconds[part]:.2f}", f"{share:.1%}", f"[dim]{note}[/]")
    return drawn
