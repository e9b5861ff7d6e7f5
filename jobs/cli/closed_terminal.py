"""Lets a command continue whose terminal has closed: what it prints there is dropped, and is not an error."""

import os


class Terminals:
    """The standard output streams that were terminals when the command started."""

    def __init__(self) -> None:
        """Finds them."""
        self._streams = [stream for stream in (1, 2) if os.isatty(stream)]

    def drop_closed(self) -> bool:
        """Redirects those whose terminal has closed to /dev/null; returns whether there were any."""
        closed = [stream for stream in self._streams if not os.isatty(stream)]  # fails once the terminal has closed
        for stream in closed:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream)
            os.close(nowhere)
            self._streams.remove(stream)
        return bool(closed)
