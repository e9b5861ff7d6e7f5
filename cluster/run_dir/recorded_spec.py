"""Compares spec.yaml, which people edit, with the spec that a study was started with, which its store records.

The trials that a study has so far belong to the recorded spec: under another one, they would be ranked, continued and
repeated as what they are not.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

from pydantic import JsonValue

from cluster.run_dir.paths import RunDir
from cluster.run_dir.shell import shell_command
from cluster.spec.messages import SHOWN_LENGTH, dotted, format_value
from cluster.spec.space import canonical_json
from cluster.spec.spec_file import dump_spec, load_spec
from cluster.spec.study_spec import StudySpec
from cluster.spec.yaml_document import KeyPath, read_yaml
from cluster.store.reader import StudyReader
from cluster.store.store import Store
from mnist_core.errors import SpecError

# What may change while a study has trials. Where the data is may change too: the data itself has a fingerprint.
CHANGEABLE = (("trials",), ("workers",), ("limits",), ("stop",), ("data", "source"))

_SPACE = ("search", "space")
_ABSENT = object()


class _Change(NamedTuple):
    path: KeyPath
    before: object
    now: object


def load_run_spec(run_dir: RunDir) -> StudySpec:
    """Loads a run's spec.yaml, without looking for the packages that its sampler and pruner need.

    Raises:
        SpecError: it cannot be read, or is no longer the spec that the study was started with.
        RunDirError: the store cannot be read.
    """
    spec = load_spec(run_dir.spec, check_packages=False)
    with StudyReader.open(run_dir.store) as reader:
        check_spec_unchanged(run_dir, spec, reader)
    return spec


def check_spec_unchanged(run_dir: RunDir, spec: StudySpec, reader: StudyReader) -> None:
    """Checks a spec against the one that the study was started with, if that is recorded.

    Raises:
        SpecError: they differ in more than what may change while a study has trials.
    """
    recorded = reader.spec()
    if recorded is None:
        return
    started_with = load_spec(recorded, name=f"the spec in {run_dir.store}", check_packages=False)
    changes = list(_changes(_tree(started_with), _tree(spec), ()))
    if not changes:
        return
    change = changes[0]
    more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
    raise SpecError(
        f"{run_dir.spec}: {dotted(change.path)} is {_text(change.now)}, but the study was started "
        f"{_with(change.before)}{more}: restore it, or start a new study with "
        f"`{shell_command('mxtrials', 'run', run_dir.spec)} --out NEW_FOLDER`"
    )


def sync_spec(run_dir: RunDir, spec: StudySpec, store: Store, warn: Callable[[str], None]) -> None:
    """Records the spec of a study that an older version started, with a warning.

    Raises:
        NotWritable: the folder or the disk is not writable.
    """
    if store.spec() is None:
        warn(
            f"the spec that the study was started with is not recorded in {run_dir.store.name}; "
            f"using {run_dir.spec.name} as it is now"
        )
        store.set_spec(dump_spec(spec))


def _tree(spec: StudySpec) -> JsonValue:
    """Returns the spec as its YAML says it, without what may change."""
    tree: Any = read_yaml(dump_spec(spec), "the study spec").tree
    for *parents, leaf in CHANGEABLE:
        node = tree
        for parent in parents:
            node = node[parent]
        node.pop(leaf, None)
    return tree  # type: ignore[no-any-return]


def _changes(before: object, now: object, path: KeyPath) -> Iterator[_Change]:
    """Yields the values that differ, each with its path, in the order of the spec."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in {**before, **now}:
            yield from _changes(before.get(key, _ABSENT), now.get(key, _ABSENT), (*path, key))
        if path == _SPACE and list(before) != list(now):  # the order decides which point is which trial
            yield _Change(path, list(before), list(now))
    elif isinstance(before, list) and isinstance(now, list) and not (_is_short(before) and _is_short(now)):
        for index, (old, new) in enumerate(zip_longest(before, now, fillvalue=_ABSENT)):
            yield from _changes(old, new, (*path, index))
    elif _json(before) != _json(now):
        yield _Change(path, before, now)


def _is_short(value: object) -> bool:
    return len(_json(value)) <= SHOWN_LENGTH


def _json(value: Any) -> str:
    return "" if value is _ABSENT else canonical_json(value)


def _with(value: object) -> str:
    return "without it" if value is _ABSENT else f"with {format_value(value)}"


def _text(value: object) -> str:
    return "not set" if value is _ABSENT else format_value(value)
