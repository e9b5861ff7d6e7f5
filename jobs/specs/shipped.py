"""The study specs that come with mxtrials: lists them and finds one by name. Parses none."""

import difflib
from importlib.resources import files
from pathlib import Path

from mnist_core.errors import SpecError


def shipped_specs() -> dict[str, Path]:
    """The file of each shipped spec by the name a user gives to `run`, in alphabetical order."""
    folder = Path(str(files("jobs") / "specs"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_spec(name_or_path: str) -> Path:
    """The file that a user means: a path to a YAML file, or the name of a shipped spec, which goes first.

    Raises:
        SpecError: there is neither; the message lists what is shipped.
    """
    shipped = shipped_specs()
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if _is_file(path):
        return path
    names = list(shipped)
    close = difflib.get_close_matches(path.stem, names, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise SpecError(f"there is no file and no shipped spec {name_or_path!r}: {hint}shipped are {', '.join(names)}")


def _is_file(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # a name that no file system takes
        return False
