"""Turns pydantic's errors about a YAML tree into one sentence in the terms of a study spec.

It gives the path of the culprit; spec_file.py finds the file and line where that was written.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from cluster.spec.yaml_document import KeyPath

SHOWN_LENGTH = 60
ABBREVIATIONS = {"lr": "learning_rate", "wd": "weight_decay", "bs": "batch_size", "batch": "batch_size"}
"""What people call fields -> their names."""
WORDINGS = {
    r"^(Input|Tuple|List|Dictionary|String) should ": "should ",
    r" after validation": "",
    r"greater than or equal to": "at least",
    r"less than or equal to": "at most",
    r"a valid boolean": "true or false",
    r"a valid integer": "an integer",
    r"a valid array": "a list",
    r"a valid (string|list|number)": r"a \1",
    r"an object": "a mapping",
}
"""Patterns in pydantic's messages -> what YAML users would say."""


class Problem(NamedTuple):
    """The first of one or more errors.

    Attributes:
        path: the keys and indices that lead to the culprit; the path of a missing key ends with that key.
        text: what is wrong, with the path, the value and what is allowed.
        others: number of other places with errors.
    """

    path: KeyPath
    text: str
    others: int


def explain(error: ValidationError, model: type[BaseModel], tree: JsonValue) -> Problem:
    """Describes the first of the errors that `model` found in `tree`."""
    # A missing key has often been misspelled; the message about the misspelling helps more, so it comes first.
    # A default that depends on a field with an error adds an error of its own.
    found = [detail for detail in error.errors() if detail["type"] != "default_factory_not_called"]
    details = sorted(found, key=lambda detail: detail["type"] == "missing")
    paths = [_path(detail, tree) for detail in details]
    # A value that fits no member of a union has one error per member.
    first = [detail for detail, path in zip(details, paths, strict=True) if path == paths[0]]
    text = _sentence(paths[0], first, model)
    return Problem(paths[0], text + _remedy(first[0]["input"], text), len(set(paths)) - 1)


def _remedy(value: object, text: str) -> str:
    """Returns how YAML writes what a string probably means: null, or a percentage."""
    if value == "None" or (str(value).lower() in ("none", "nil") and "none" not in text.partition(", but ")[2]):
        return f"; YAML writes {value} as null"
    percentage = re.fullmatch(r"([0-9.]{1,9})\s*%", str(value))
    return f"; write {value} as {float(percentage[1]) / 100:g}" if percentage and percentage[1].count(".") < 2 else ""


def dotted(path: KeyPath) -> str:
    """Returns the path as a user writes it: `training.learning_rate`."""
    return ".".join(str(part) for part in path) or "the study spec"


def suggestion(name: str, names: Sequence[str], what: str, cutoff: float = 0.6) -> str:
    """Suggests the name that was probably meant, "did you mean x?", or else lists all, "<what> are x, y".

    Args:
        name: what was written.
        names: what could have been written.
        what: what to call those names.
        cutoff: the minimum similarity of a suggestion, in [0, 1].
    """
    close = difflib.get_close_matches(name, names, n=1, cutoff=cutoff)
    return f"did you mean {close[0]}?" if close else f"{what} are {', '.join(names)}"


def format_value(value: object, length: int = SHOWN_LENGTH) -> str:
    """Returns the value as YAML on one line, cut to `length` characters."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= length else f"{text[:length]}..."


def _path(detail: ErrorDetails, tree: JsonValue) -> KeyPath:
    """Returns the path in the tree for a pydantic location.

    A location also names the member of a union that was tried: "model", "mlp", "hidden". Only keys and indices of the
    tree belong to the path.
    """
    path: list[str | int] = []
    node: Any = tree
    for part in detail["loc"]:
        is_key = isinstance(node, Mapping) and part in node
        if is_key or (isinstance(node, list) and isinstance(part, int) and part < len(node)):
            path.append(part)
            node = node[part]
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    if detail["type"].startswith("union_tag"):
        path.append("kind")
    return *path, *detail.get("ctx", {}).get("path", ())  # the last part is that of a `located_error`


def _sentence(path: KeyPath, details: list[ErrorDetails], model: type[BaseModel]) -> str:
    detail = details[0]
    match detail["type"]:
        case "missing":
            return f"{dotted(path)} is missing"
        case "extra_forbidden":
            name, names = str(path[-1]), list(_properties(model, detail["loc"][:-1]))
            there = _sections_with(model, ABBREVIATIONS.get(name, name)) if len(path) == 1 else []
            hint = f"did you mean {there[0]}?" if there else suggestion(name, names, "its keys")
            return f"{dotted(path[:-1])} has no key {name!r}: {hint}"
        case "union_tag_invalid":
            kind = detail["ctx"]["tag"]
            kinds = ", ".join(_tags(model, detail["loc"]))
            return f"{dotted(path)} is {format_value(kind)}, but should be one of {kinds}"
        case "union_tag_not_found":
            return f"{dotted(path)} is missing: give one of {', '.join(_tags(model, detail['loc']))}"
        case "dict_type" if tags := _tags(model, detail["loc"]):
            meant = str(detail["input"]).lower()
            kind = meant if meant in tags else tags[0]
            return (
                f"{dotted(path)} is {format_value(detail['input'])}, but should be a mapping such as {{kind: {kind}}}"
            )
    first, *others = dict.fromkeys(_rule(each) for each in details)
    if first.startswith("should "):
        rules = " or ".join([first, *(rule.removeprefix("should be ") for rule in others)])
        return f"{dotted(path)} is {format_value(detail['input'])}, but {rules}"
    return f"{dotted(path)}: {first}"


def _rule(detail: ErrorDetails) -> str:
    """Returns what the error asks for: "should be ..." if it is about the input as a whole, else a sentence."""
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    message = detail["msg"]
    for pattern, replacement in WORDINGS.items():
        message = re.sub(pattern, replacement, message)
    return message


def _properties(model: type[BaseModel], location: KeyPath) -> Mapping[str, Any]:
    """Returns the keys that the model allows at a pydantic location."""
    properties: Mapping[str, Any] = _node(model, location).get("properties", {})
    return properties


def _sections_with(model: type[BaseModel], name: str) -> list[str]:
    """Returns the dotted names of the keys with this name that are one level below the model's own."""
    schema = _schema(model)
    found = []
    for section, node in schema["properties"].items():
        resolved = _resolved(schema, node)
        members = [_resolved(schema, option) for option in resolved.get("oneOf", ())]
        if any(name in member.get("properties", {}) for member in (resolved, *members)):
            found.append(f"{section}.{name}")
    return found


def _tags(model: type[BaseModel], location: KeyPath) -> list[str]:
    """Returns the kinds of the union at a pydantic location; none if there is no union."""
    return list(_node(model, location).get("discriminator", {}).get("mapping", {}))


def _node(model: type[BaseModel], location: KeyPath) -> Mapping[str, Any]:
    """Returns the node of the model's JSON schema at a pydantic location; {} if the location leads out of the schema.

    Walks the location, e.g. ("search", "pruner", "asha"), one part at a time: resolves the current node (often a `$ref`
    or an optional `anyOf`) and steps to the child of that name.
    """
    schema = _schema(model)
    node = _resolved(schema, schema)
    for part in location:
        node = next((_resolved(schema, child) for name, child in _children(node) if name in (part, None)), {})
    return node


def _children(node: Mapping[str, Any]) -> Iterator[tuple[str | int | None, Mapping[str, Any]]]:
    """Returns the children of a node by the name that pydantic locations give them; None stands for any name."""
    yield from node.get("properties", {}).items()
    # Locations name a union's member by its tag: the value of `kind`, or its class name if a function chooses the tag.
    for name, reference in node.get("discriminator", {}).get("mapping", {}).items():
        yield name, {"$ref": reference}
    for option in node.get("oneOf", ()):
        yield option.get("$ref", "").rpartition("/")[2], option
    # The keys of a dict and the indices of a list are not in the schema; they all lead to the same child.
    for key in ("additionalProperties", "items"):
        if isinstance(node.get(key), Mapping):
            yield None, node[key]


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the node that a reference or an optional value stands for."""
    # In `X | None` and `int | Literal[...]`, only a model has children, so the other members lead nowhere.
    for option in node.get("anyOf", ()):
        if "$ref" in option or "oneOf" in option:
            return _resolved(schema, option)
    if "$ref" in node:
        resolved: Mapping[str, Any] = schema["$defs"][node["$ref"].rpartition("/")[2]]
        return resolved
    return node


@cache
def _schema(model: type[BaseModel]) -> Mapping[str, Any]:
    return model.model_json_schema()
