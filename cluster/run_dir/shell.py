"""Commands that messages print, for people to paste into a shell."""

import os
import shlex
import shutil
import sysconfig
from pathlib import Path


def shell_command(program: str, *words: str | Path, scripts: Path | None = None) -> str:
    """Returns a command that a shell of this folder runs, whatever characters a path contains.

    Args:
        program: the name of a program, such as `tensorboard`.
        words: its arguments.
        scripts: the folder of this installation's programs. If a shell would not find the program, because no virtual
            environment is active, the command names it by its path there.

    Example:
        >>> print(shell_command("cp", "-r", Path("my runs/1"), "copy"))
        cp -r 'my runs/1' copy
    """
    found = _findable(program, scripts or Path(sysconfig.get_path("scripts")))
    return " ".join(_quoted(_shielded(word) if isinstance(word, Path) else word) for word in (found, *words))


def _findable(program: str, scripts: Path) -> str:
    installed = scripts / program
    if shutil.which(program) or not installed.is_file():
        return program
    try:
        return str(installed.relative_to(Path.cwd()))
    except (OSError, ValueError):  # the working folder was deleted, or is another one
        return str(installed)


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
