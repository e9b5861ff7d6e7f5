"""A progress bar for a training that a person waits for."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jobs.study.retraining import OnEpoch

PATIENCE_S = 2.0


@contextmanager
def epoch_bar(what: str, epochs: int, console: Console, patience_s: float = PATIENCE_S) -> Iterator[OnEpoch]:
    """Shows a progress bar in a terminal if training takes longer than some seconds, and removes it afterwards.

    Yields:
        a function to call with the number of epochs trained.
    """
    if not console.is_interactive:
        yield lambda epoch: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task(what, total=epochs)
    timer = Timer(patience_s, progress.start)
    timer.start()
    try:
        yield lambda epoch: progress.update(task, completed=epoch)
    finally:
        timer.cancel()
        timer.join()  # it may be starting the bar right now
        progress.stop()
