"""The names under which MNIST's four files are kept: the canonical ones, and those that other tools give them."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from mnist_core.data.other_formats import recognise_data_set
from mnist_core.errors import DataError

CANONICAL_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
"""Training images and labels, test images and labels."""

# The prefix names the set, as in `emnist-digits-train-images-idx3-ubyte.gz` or `qmnist-test-labels-idx2-int.gz`.
_NAME = re.compile(
    r"(?P<set>(?:.*[-_. ])?)"
    r"(?P<part>train|training|t10k|test|testing)[-_. ]?(?P<kind>images?|labels?)"
    r"(?:[-_. ]?idx[123]?)?(?:[-_. ](?:ubyte|byte|int))?(?:\.(?:idx|bin|txt))?(?: ?\(\d+\))?(?:\.gz)?",
    re.IGNORECASE,
)
# Where tools that are given a folder keep the files below it: torchvision, EMNIST's and Kaggle's archives, ...
_BELOW = re.compile(r".*mnist.*|k49|raw|gzip|data|dataset|datasets|archive", re.IGNORECASE)
_DEPTH = 3
# Of the entries of a folder without the files and of those below it, so many are looked at for another format.
_ENTRIES = 200

_ROLES = tuple(name.rsplit("-", 2)[0] for name in CANONICAL_NAMES)

Files = list[Path]


def find_named_files(folder: Path) -> Files:
    """Finds the four files in a folder, or if they are not there, in `MNIST/raw` and the like below it.

    Returns:
        their paths in the order of `CANONICAL_NAMES`. Canonical names go first, then plain files.

    Raises:
        DataError: a file is missing, or there are several sets of four.
        OSError: the folder cannot be read.
    """
    canonical = [_canonical_file(folder, name) for name in CANONICAL_NAMES]
    if all(canonical):
        return [path for path in canonical if path is not None]
    for folders in _levels(folder):
        sets = [files for each in folders for files in _complete_sets(each)]
        if len(sets) == 1:
            return sets[0]
        if sets:
            names = " and ".join(str(files[0].relative_to(folder)) for files in sets[:3])
            raise DataError(
                f"data folder {folder} has {len(sets)} sets of IDX files, with {names}: "
                "give a folder with only one of them"
            )
    found = {role for files in _sets(folder) for role in files}
    absent = [name for name, role in zip(CANONICAL_NAMES, _ROLES, strict=True) if role not in found]
    missing = absent[0] if absent else CANONICAL_NAMES[canonical.index(None)]
    start = f"data folder {folder} has no file {missing} (or {missing}.gz)"
    for path in islice(_below(folder), _ENTRIES):
        if (other := recognise_data_set(path.name)) is not None:
            raise DataError(f"{start}, but {path.relative_to(folder)}, {other.name}: {other.remedy}, or use `bundled`")
    raise DataError(f"{start}{_other_files(folder)}: put it there, or use `bundled`")


def _canonical_file(folder: Path, name: str) -> Path | None:
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _levels(folder: Path) -> Iterator[list[Path]]:
    """Yields the folder, then the folders to look in below it, level by level."""
    folders = [folder]
    for _ in range(_DEPTH + 1):
        yield folders
        folders = [child for each in folders for child in _entries(each) if _BELOW.fullmatch(child.name)]
        folders = [child for child in folders if child.is_dir()]


def _complete_sets(folder: Path) -> list[Files]:
    """Returns each set of four files in a folder, the canonical file or else the plain one for each of them."""
    return [[min(files[role], key=_rank) for role in _ROLES] for files in _sets(folder) if set(_ROLES) <= set(files)]


def _sets(folder: Path) -> list[dict[str, Files]]:
    """Returns, for each prefix of names in a folder, the files of each role, e.g. "train-images"."""
    sets: dict[str, dict[str, Files]] = defaultdict(lambda: defaultdict(list))
    for path in _entries(folder):
        match = _NAME.fullmatch(path.name)
        file = _file_at(path)
        if match is None or file is None:
            continue
        part = "train" if match["part"].lower().startswith("train") else "t10k"
        kind = match["kind"].lower().removesuffix("s")
        sets[match["set"].lower()][f"{part}-{kind}s"].append(file)
    return list(sets.values())


def _rank(path: Path) -> tuple[bool, bool, bool, str]:
    name = path.name.removesuffix(".gz")
    return (name not in CANONICAL_NAMES, not name.startswith("t10k"), path.suffix == ".gz", name)


def _file_at(path: Path) -> Path | None:
    """Returns the file: an archive may have unpacked it into a folder of its own name."""
    if path.is_dir():
        path = path / path.name
    return path if path.is_file() else None


def _other_files(folder: Path) -> str:
    """Returns the names of some files in the folder, for a message."""
    names = [path.name for path in _entries(folder) if path.is_file()]
    if not names:
        return ""
    others = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f", only {', '.join(names[:3])}{others}"


def _below(folder: Path) -> Iterator[Path]:
    """Yields the files in a folder, then those in the folders below it, level by level."""
    folders = [folder]
    for _ in range(_DEPTH + 1):
        entries = [entry for each in folders[:_ENTRIES] for entry in _entries(each)]
        folders = [entry for entry in entries if entry.is_dir()]
        yield from (entry for entry in entries if entry.is_file())


def _entries(folder: Path) -> Files:
    """Returns what is in a folder, except hidden files, of which macOS adds one to each in an archive."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
