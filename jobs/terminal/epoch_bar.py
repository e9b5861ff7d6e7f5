"""How far a training is, for a person who waits for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PATIENCE_S = 2.0

TellEpoch = Callable[[int], None]


@contextmanager
def epoch_bar(what: str, epochs: int, console: Console, patience_s: float = PATIENCE_S) -> Iterator[TellEpoch]:
    """Shows a bar in a terminal, where it takes longer than some seconds; leaves nothing of it behind.

    Yields:
        what is to be told how many epochs are trained.
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
        timer.join()  # it may be starting the bar just now
        progress.stop()
