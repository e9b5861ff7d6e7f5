"""A progress bar for a training or an export that a person waits for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

OnStep = Callable[[int], None]
"""Receives the number of steps done so far."""

PATIENCE_S = 2.0


@contextmanager
def progress_bar(what: str, steps: int, console: Console, patience_s: float = PATIENCE_S) -> Iterator[OnStep]:
    """Shows a progress bar in a terminal if the block takes longer than some seconds, and removes it afterwards.

    Yields:
        a function to call with the number of steps done, such as epochs trained.
    """
    if not console.is_interactive:
        yield lambda done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task(what, total=steps)
    timer = Timer(patience_s, progress.start)
    timer.start()
    try:
        yield lambda done: progress.update(task, completed=done)
    finally:
        timer.cancel()
        timer.join()  # it may be starting the bar right now
        progress.stop()
