"""Reads YAML as plain values with the line of each, and writes it. Accepts only what a study spec needs.

No aliases, no tags, no keys given twice, and bounds on size, depth and number of values, so that no file can exhaust
memory or build an object. Words mean what YAML 1.2 says: `1e-5` is a number, `no` and `12:30` are words.
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

_WORDS = {"null": None, "Null": None, "NULL": None, "~": None, "": None}
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
_PATTERNS = {
    "null": (r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (rf"(?:{_NUMBER}|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))", list("-+.0123456789")),
}


@dataclass(frozen=True)
class Document:
    """What a YAML text says. lines: by the path of keys and indices, the line (1 is the first) of each value's key."""

    tree: JsonValue
    lines: Mapping[KeyPath, int] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """Knows YAML 1.2's words only; they are added below."""


class _Dumper(yaml.SafeDumper):
    """Quotes every word that YAML 1.1 or 1.2 would read as something else."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


_Loader.yaml_implicit_resolvers = {}
for _name, (_pattern, _first) in _PATTERNS.items():
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"{_pattern}\Z"), _first)


def read_yaml(text: str, name: str) -> Document:
    """The values of a YAML text.

    Args:
        text: the YAML.
        name: what to call the text in messages: a file's path.

    Raises:
        SpecError: the text is not YAML, or uses more of it than a study spec may; the message names the line.
    """
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        raise SpecError(f"{name} is larger than {MAX_BYTES // 1024} KiB, which a study spec may not be")
    return _Reader(name).read(text)


def write_yaml(tree: JsonValue) -> str:
    """YAML that `read_yaml` reads as an equal tree."""
    text: str = yaml.dump(tree, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=120)
    return text


class _Reader:
    """One reading of one text."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: dict[KeyPath, int] = {}

    def read(self, text: str) -> Document:
        """See read_yaml."""
        try:
            self._check_events(text)
            node = yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as err:
            raise self._error(err.problem_mark, f"this is not YAML: {err.problem}") from err
        # PyYAML lets an impossible character or version escape as these.
        except (yaml.YAMLError, ValueError, OverflowError) as err:
            raise SpecError(f"{self._name} is not YAML: {' '.join(str(err).split())}") from err
        return Document(None if node is None else self._value(node, ()), self._lines)

    def _check_events(self, text: str) -> None:
        """Looks at the text before anything is built of it."""
        depth = nodes = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise self._error(event.start_mark, "a study spec may not use anchors and aliases")
            nodes += isinstance(event, yaml.NodeEvent)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH or nodes > MAX_NODES:
                limit = f"{MAX_DEPTH} levels" if depth > MAX_DEPTH else f"{MAX_NODES} values"
                raise self._error(event.start_mark, f"a study spec may not have more than {limit}")

    def _value(self, node: yaml.Node, path: KeyPath) -> JsonValue:
        self._lines.setdefault(path, node.start_mark.line + 1)
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return dict(self._items(node, path))
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self._value(child, (*path, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and kind in ("null", "bool", "int", "float", "str"):
            return self._scalar(node, kind)
        raise self._error(node.start_mark, f"a study spec may not use the tag {node.tag}")

    def _items(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, JsonValue]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or not key_node.tag.endswith(":str"):
                raise self._error(key_node.start_mark, "a key should be a word")
            key = self._text(key_node)
            if key in seen:
                raise self._error(key_node.start_mark, f"the key {key} is given twice")
            seen.add(key)
            child = (*path, key)
            self._lines[child] = key_node.start_mark.line + 1
            yield key, self._value(value_node, child)

    def _scalar(self, node: yaml.ScalarNode, kind: str) -> JsonValue:
        try:
            match kind:
                case "null":
                    return _WORDS[node.value]
                case "bool":
                    return _TRUTHS[node.value]
                case "int":
                    return self._bounded(int(node.value), node)
                case "float":
                    return float(node.value.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except (KeyError, ValueError) as err:
            raise self._error(node.start_mark, f"{node.value[:60]!r} is no {kind}") from err
        return self._text(node)

    def _bounded(self, number: int, node: yaml.ScalarNode) -> int:
        if abs(number) > MAX_INTEGER:
            raise self._error(node.start_mark, f"a number should be at most {MAX_INTEGER}")
        return number

    def _text(self, node: yaml.ScalarNode) -> str:
        text: str = node.value
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self._error(node.start_mark, "half a character pair is no text")
        return text

    def _error(self, mark: Any, problem: str) -> SpecError:
        where = f", line {mark.line + 1}" if mark is not None else ""
        return SpecError(f"{self._name}{where}: {problem}")
