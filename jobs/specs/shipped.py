"""Lists the study specs that come with mxtrials, and finds one by name."""

import difflib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from cluster.spec.spec_file import load_spec
from cluster.spec.study_spec import StudySpec
from jobs.specs.notes import NOTES, SpecNote
from mnist_core.errors import SpecError


@dataclass(frozen=True)
class ShippedSpec:
    """A shipped spec, and what to expect of it."""

    spec: StudySpec
    note: SpecNote

    def as_json(self) -> dict[str, object]:
        """Returns the document that `specs --json` prints for it."""
        return {
            "name": self.spec.name,
            "networks": self.spec.model_kinds,
            "trials": self.spec.trials,
            "epochs": self.spec.max_epochs,
            **self.note._asdict(),
        }


def described_specs() -> list[ShippedSpec]:
    """Returns the shipped specs in the order in which people use them."""
    paths = shipped_specs()
    return [ShippedSpec(load_spec(paths[name]), note) for name, note in NOTES.items()]


def shipped_specs() -> dict[str, Path]:
    """Returns the file of each shipped spec by the name that `run` takes, in alphabetical order."""
    folder = Path(str(files("jobs") / "specs"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def spec_path(name_or_path: str) -> Path:
    """Returns the file for a shipped spec's name or for a path to a YAML file; a shipped spec takes precedence.

    Raises:
        SpecError: neither exists; the message lists the shipped specs.
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
    raise SpecError(
        f"there is no file or shipped spec {name_or_path!r}: {hint}the shipped specs are {', '.join(names)}"
    )


def _is_file(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # no file system accepts the name
        return False
