"""Commands that messages print, for people to paste into a shell."""

import shlex
from pathlib import Path


def shell_command(*words: str | Path) -> str:
    """Returns a command whose words a shell reads as they are, whatever characters a path contains.

    Example:
        >>> print(shell_command("mxtrials", "resume", Path("my runs/1")))
        mxtrials resume 'my runs/1'
    """
    return " ".join(shlex.quote(_shielded(word) if isinstance(word, Path) else word) for word in words)


def _shielded(path: Path) -> str:
    """Returns a path that no program takes for an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)
