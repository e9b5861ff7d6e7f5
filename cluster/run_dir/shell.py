"""Commands that messages print, for people to paste into a shell."""

import shlex
from pathlib import Path


def shell_command(*words: str | Path) -> str:
    r"""Returns a command whose words a shell reads as they are, whatever characters a path contains.

    Example:
        >>> shell_command("mxtrials", "resume", Path("my runs/it's"))
        "mxtrials resume 'my runs/it'\"'\"'s'"
    """
    return " ".join(shlex.quote(_shielded(word) if isinstance(word, Path) else word) for word in words)


def _shielded(path: Path) -> str:
    """Returns a path that no program takes for an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)
