"""Puts pydantic's errors about a tree of YAML into one sentence in the words of a study spec.

Knows neither files nor lines: it gives the path of the culprit, and spec_file.py knows where that was written.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from cluster.spec.yaml_document import KeyPath

SHOWN_LENGTH = 60
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
"""How a user of YAML says what pydantic says."""


class Problem(NamedTuple):
    """The first error of several.

    Attributes:
        path: the keys and indices that lead to the culprit; for a missing key, they end with it.
        text: what is wrong, with the path, the value and what is allowed.
        others: how many other places are wrong too.
    """

    path: KeyPath
    text: str
    others: int


def explain(error: ValidationError, model: type[BaseModel], tree: JsonValue) -> Problem:
    """The first of the errors that `model` found in `tree`."""
    # A key that is missing is often one that was misspelt, so misspelt ones come first.
    details = sorted(error.errors(), key=lambda detail: detail["type"] == "missing")
    paths = [_path(detail, tree) for detail in details]
    first = [detail for detail, path in zip(details, paths, strict=True) if path == paths[0]]
    return Problem(paths[0], _sentence(paths[0], first, model), len(set(paths)) - 1)


def dotted(path: KeyPath) -> str:
    """The path as a user writes it: `training.learning_rate`."""
    return ".".join(str(part) for part in path) or "the study spec"


def listed(names: Iterable[str]) -> str:
    """The names with commas between them."""
    return ", ".join(names)


def suggestion(name: str, names: Sequence[str], what: str, cutoff: float = 0.6) -> str:
    """The name that was probably meant, else all that there are: "did you mean x?" or "<what> are x, y".

    Args:
        name: what was written.
        names: what there is.
        what: how to call those.
        cutoff: how alike two names must be, in [0, 1].
    """
    close = difflib.get_close_matches(name, names, n=1, cutoff=cutoff)
    return f"did you mean {close[0]}?" if close else f"{what} are {listed(names)}"


def format_value(value: object) -> str:
    """The value as YAML would write it in one line, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}..."


def _path(detail: ErrorDetails, tree: JsonValue) -> KeyPath:
    """Pydantic's location without the names that it adds for the members of a union."""
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
    return *path, *detail.get("ctx", {}).get("path", ())


def _sentence(path: KeyPath, details: list[ErrorDetails], model: type[BaseModel]) -> str:
    detail = details[0]
    match detail["type"]:
        case "missing":
            return f"{dotted(path)} is missing"
        case "extra_forbidden":
            names = list(_properties(model, detail["loc"][:-1]))
            return f"{dotted(path[:-1])} has no key {path[-1]!r}: {suggestion(str(path[-1]), names, 'its keys')}"
        case "union_tag_invalid":
            kind = detail["ctx"]["tag"]
            return f"{dotted(path)} is {format_value(kind)}, but should be one of {listed(_tags(model, detail['loc']))}"
        case "union_tag_not_found":
            return f"{dotted(path)} is missing: give one of {listed(_tags(model, detail['loc']))}"
        case "dict_type" if tags := _tags(model, detail["loc"]):
            kind = detail["input"] if detail["input"] in tags else tags[0]
            return (
                f"{dotted(path)} is {format_value(detail['input'])}, but should be a mapping such as {{kind: {kind}}}"
            )
    texts = list(dict.fromkeys(_rule(each) for each in details))
    if texts[0].startswith("should "):
        allowed = " or ".join(text.removeprefix("should be ") for text in texts[1:])
        return f"{dotted(path)} is {format_value(detail['input'])}, but {texts[0]}{f' or {allowed}' if allowed else ''}"
    return f"{dotted(path)}: {texts[0]}"


def _rule(detail: ErrorDetails) -> str:
    """What the error asks for, "should be ..." where pydantic speaks of the input as a whole."""
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    message = detail["msg"]
    for wording, ours in WORDINGS.items():
        message = re.sub(wording, ours, message)
    return message


def _properties(model: type[BaseModel], location: KeyPath) -> Mapping[str, Any]:
    """The keys that the model allows at pydantic's location."""
    properties: Mapping[str, Any] = _node(model, location).get("properties", {})
    return properties


def _tags(model: type[BaseModel], location: KeyPath) -> list[str]:
    return list(_node(model, location).get("discriminator", {}).get("mapping", {}))


def _node(model: type[BaseModel], location: KeyPath) -> Mapping[str, Any]:
    schema = _schema(model)
    node = _resolved(schema, schema)
    for part in location:
        node = next((_resolved(schema, child) for name, child in _children(node) if name in (part, None)), {})
    return node


def _children(node: Mapping[str, Any]) -> Iterator[tuple[str | int | None, Mapping[str, Any]]]:
    """The parts of a schema by the name that pydantic's locations give them; None stands for any name."""
    yield from node.get("properties", {}).items()
    for name, reference in node.get("discriminator", {}).get("mapping", {}).items():
        yield name, {"$ref": reference}
    for option in node.get("oneOf", ()):
        yield option.get("$ref", "").rpartition("/")[2], option
    for key in ("additionalProperties", "items"):
        if isinstance(node.get(key), Mapping):
            yield None, node[key]


def _resolved(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node that a reference or an optional value stands for."""
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
