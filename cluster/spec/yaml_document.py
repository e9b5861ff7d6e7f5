"""Reads YAML as plain values with their lines, and writes it. Accepts only what a study spec needs.

There are no aliases, tags or duplicate keys, and there are limits on size, depth and number of values, so no file can
exhaust memory or build an object. Scalars follow YAML 1.2: `1e-5` is a number, `no` and `12:30` are strings.

Only this file relies on PyYAML's internals (tests/cluster/spec/test_yaml_document.py names the version):
`yaml_implicit_resolvers`, the table of the patterns that give a plain scalar its type.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import JsonValue

from mnist_core.errors import SpecError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 16
MAX_NODES = 10_000
MAX_INTEGER = 2**63 - 1

KeyPath = tuple[str | int, ...]

_NULLS = {"null": None, "Null": None, "NULL": None, "~": None, "": None}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
# Tag -> the pattern of a plain scalar and the characters that it may start with.
_PATTERNS = {
    "null": (r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (rf"(?:{_NUMBER}|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))", list("-+.0123456789")),
}
# Tag -> what messages call a value.
_KINDS = {
    "null": "null",
    "bool": "a boolean",
    "int": "an integer",
    "float": "a number",
    "seq": "a list",
    "map": "a mapping",
}


@dataclass(frozen=True)
class Document:
    """The content of a YAML text.

    Attributes:
        tree: the values.
        lines: path of keys and indices -> the line of the value's key, counted from 1.
    """

    tree: JsonValue
    lines: Mapping[KeyPath, int] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Resolves plain scalars as YAML 1.2 does; the patterns are added below."""


class _Dumper(yaml.SafeDumper):
    """Quotes every string that YAML 1.1 or 1.2 would read as another type."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


# PyYAML's own patterns are those of YAML 1.1. The loader drops them, or `no` would be false; the dumper keeps them in
# addition to those of 1.2, so that any YAML reader finds the same values in what it writes.
_Loader.yaml_implicit_resolvers = {}
for _name, (_pattern, _first) in _PATTERNS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"{_pattern}\Z"), _first)


def read_yaml(text: str, name: str) -> Document:
    """Reads a YAML text.

    Args:
        text: the YAML.
        name: what to call the text in messages, such as a file's path.

    Raises:
        SpecError: the text is not valid YAML, or uses YAML features that study specs cannot use; names the line.
    """
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        raise SpecError(f"{name} is larger than {MAX_BYTES // 1024} KiB, the limit for a study spec")
    return _Reader(name).read(text)


def write_yaml(tree: JsonValue) -> str:
    """Returns YAML that `read_yaml` reads as an equal tree."""
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120)
    return text


class _Reader:
    """Reads one text."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: dict[KeyPath, int] = {}

    def read(self, text: str) -> Document:
        try:
            self._check_events(text)
            node = yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as err:
            raise self._error(err.problem_mark, f"not valid YAML: {err.problem}") from err
        # PyYAML raises these for an impossible character, escape or version.
        except (yaml.YAMLError, ValueError, OverflowError) as err:
            raise self._error(None, f"not valid YAML: {' '.join(str(err).split())}") from err
        return Document(None if node is None else self._value(node, ()), self._lines)

    def _check_events(self, text: str) -> None:
        """Checks the text against the limits before anything is built from it."""
        depth = nodes = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise self._error(event.start_mark, "a study spec cannot use anchors and aliases")
            nodes += isinstance(event, yaml.NodeEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH or nodes > MAX_NODES:
                limit = f"{MAX_DEPTH} levels" if depth > MAX_DEPTH else f"{MAX_NODES} values"
                raise self._error(event.start_mark, f"a study spec cannot have more than {limit}")

    def _value(self, node: yaml.Node, path: KeyPath) -> JsonValue:
        self._lines.setdefault(path, node.start_mark.line + 1)
        kind = _kind(node)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return dict(self._items(node, path))
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self._value(child, (*path, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and kind in ("null", "bool", "int", "float", "str"):
            return self._scalar(node, kind)
        raise self._error(node.start_mark, f"a study spec cannot use the tag {node.tag}")

    def _items(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, JsonValue]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or not key_node.tag.endswith(":str"):
                kind = _kind(key_node)
                raise self._error(key_node.start_mark, f"a key should be a string, not {_KINDS.get(kind, kind)}")
            key = self._text(key_node)
            if key in seen:
                raise self._error(key_node.start_mark, f"the key {key} appears twice")
            seen.add(key)
            child = (*path, key)
            self._lines[child] = key_node.start_mark.line + 1
            yield key, self._value(value_node, child)

    def _scalar(self, node: yaml.ScalarNode, kind: str) -> JsonValue:
        try:
            match kind:
                case "null":
                    return _NULLS[node.value]
                case "bool":
                    return _BOOLEANS[node.value]
                case "int":
                    return _bounded_int(node.value)
                case "float":
                    return float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except (KeyError, ValueError) as err:
            bounds = f" from -{MAX_INTEGER} to {MAX_INTEGER}" if kind == "int" else ""
            raise self._error(node.start_mark, f"{node.value[:60]!r} is not {_KINDS[kind]}{bounds}") from err
        return self._text(node)

    def _text(self, node: yaml.ScalarNode) -> str:
        text: str = node.value
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self._error(node.start_mark, f"{text[:60]!r} contains an unpaired surrogate")
        return text

    def _error(self, mark: Any, problem: str) -> SpecError:
        where = f", line {mark.line + 1}" if mark is not None else ""
        return SpecError(f"{self._name}{where}: {problem}")


def _kind(node: yaml.Node) -> str:
    """Returns the tag of a node, shortened if it is YAML's own: "int", "map", "!mine"."""
    tag: str = node.tag
    return tag.removeprefix("tag:yaml.org,2002:")


def _bounded_int(text: str) -> int:
    number = int(text)
    if abs(number) > MAX_INTEGER:
        raise ValueError(f"{number} is out of range")
    return number
