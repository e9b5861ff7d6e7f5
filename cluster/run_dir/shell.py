"""Commands that messages print, for people to paste into a shell."""

import os
import shlex
from pathlib import Path


def shell_command(*words: str | Path) -> str:
    """Returns a command whose words a shell reads as they are, whatever characters a path contains.

    Example:
        >>> print(shell_command("mxtrials", "resume", Path("my runs/1")))
        mxtrials resume 'my runs/1'
    """
    return " ".join(_quoted(_shielded(word) if isinstance(word, Path) else word) for word in words)


def _quoted(word: str) -> str:
    """Quotes a word; control characters and bytes that are no text, which a terminal cannot show, become escapes."""
    if word.isprintable() or word.endswith("\n"):  # `$()` would drop the last line feed
        return shlex.quote(word)
    shown = "".join(each if each.isprintable() and each not in "\\%'" else _octal(each) for each in word)
    return f"\"$(printf '{shown}')\""


def _octal(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(character))


def _shielded(path: Path) -> str:
    """Returns a path that no program takes for an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)
