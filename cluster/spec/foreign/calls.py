"""Reads calls such as `tune.loguniform(1e-4, 1e-1)` or `choice(sgd, adam)` as values. Executes nothing."""

import ast
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

LONGEST = 400  # characters: the parser's recursion stays shallow


@dataclass(frozen=True)
class Call:
    """A call: the function's dotted name, and its arguments."""

    name: str
    positional: tuple["Value", ...]
    named: Mapping[str, "Value"]


Value = JsonValue | Call


def read_expression(text: str) -> Value:
    """Returns the value that an expression stands for; bare names are strings, and tuples are lists.

    Raises:
        ValueError: it is not made of calls, lists, names, strings and finite numbers.

    Example:
        >>> read_expression("sgd, 0.1")
        ['sgd', 0.1]
    """
    if len(text) > LONGEST:
        raise ValueError(f"more than {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about Python that is valid but odd
            return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError) as err:
        raise ValueError(f"not an expression: {err}") from err


def _value(node: ast.expr) -> Value:
    match node:
        case ast.Constant(value=str() | bool() | int() | None as value):
            return value
        case ast.Constant(value=float() as value) if math.isfinite(value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Name(id=name):
            return name
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_plain(part) for part in parts]
        case ast.Call(func=function, args=positional, keywords=named):
            arguments = {each.arg: _value(each.value) for each in named if each.arg is not None}
            return Call(_dotted(function), tuple(_value(part) for part in positional), arguments)
    raise ValueError(f"unexpected {type(node).__name__}")


def _plain(node: ast.expr) -> JsonValue:
    value = _value(node)
    if isinstance(value, Call):
        raise ValueError("a call in a list")
    return value


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            return f"{_dotted(owner)}.{name}"
    raise ValueError(f"unexpected {type(node).__name__}")
