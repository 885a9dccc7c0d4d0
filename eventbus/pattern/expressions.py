"""The operators: from `{"prefix": "a"}` in a pattern's text to the condition it stands for."""

from __future__ import annotations

import sys
from collections.abc import Callable

from eventbus.pattern.addresses import Network, address, network
from eventbus.pattern.conditions import (
    Between,
    Condition,
    EqualsIgnoringCase,
    Exists,
    InNetwork,
    NoneOf,
    NotIn,
    Prefix,
    PrefixIgnoringCase,
    Suffix,
    SuffixIgnoringCase,
    Wildcard,
    folded,
    longest_folded,
)
from eventbus.pattern.document import Node
from eventbus.pattern.event import Bare, Leaf
from eventbus.pattern.numbers import comparable

LARGEST = sys.float_info.max
ONE_KEY = "Only one key allowed in match expression"
MIXED = "Inside anything but list, either all values are number or string, mixed type is not supported"


class RefusedError(Exception):
    """A node that is no valid expression, with the reason."""

    def __init__(self, reason: str, node: Node) -> None:
        super().__init__(reason)
        self.reason = reason
        self.node = node


def exact(node: Node) -> list[Leaf | InNetwork]:
    """What a bare value in a pattern's array equals. An IP address equals itself however it is written."""
    if node.kind == "string":
        at = address(node.text)
        return [node.text] if at is None else [InNetwork(Network(at, at))]
    if node.kind == "bare":
        return [Bare(node.text)]
    if node.kind == "number":
        number = comparable(node.text)
        return [Bare(node.text) if number is None else number]
    raise RefusedError("Match value must be String, number, true, false, or null", node)


def expression(node: Node) -> Condition | Leaf | None:
    """The condition of an object in a pattern's array; a value for `exactly` and `=`; None for `exists: false`."""
    name, value = _single(node, "Match expression name not found")
    if name == "exactly":
        return _text(value, "exact match pattern must be a string")
    if name == "exists":
        if value.kind != "bare" or value.text == "null":
            raise RefusedError("exists match pattern must be either true or false.", value)
        return Exists() if value.text == "true" else None
    operator = OPERATORS.get(name)
    if operator is None:
        raise RefusedError(f"Unrecognized match type {name}", node)
    return operator(value)


def _single(node: Node, missing: str) -> tuple[str, Node]:
    if not node.members:
        raise RefusedError(missing, node)
    if len(node.members) > 1:
        raise RefusedError(ONE_KEY, node)
    name, _, value = node.members[0]
    return name, value


def _text(node: Node, otherwise: str) -> str:
    if node.kind != "string":
        raise RefusedError(otherwise, node)
    return node.text


def _ignoring_case(node: Node, of: str) -> str:
    """The text of `{"equals-ignore-case": text}` inside a prefix or a suffix."""
    name, value = _single(node, f"{of} expression name not found")
    if name != "equals-ignore-case":
        raise RefusedError(f"Unsupported {of.lower()} pattern: {name}", node)
    return _text(value, "equals-ignore-case match pattern must be a string")


def _prefix(node: Node) -> Condition:
    if node.kind == "object":
        return PrefixIgnoringCase(folded(_ignoring_case(node, "Prefix")))
    return Prefix(_text(node, "prefix match pattern must be a string"))


def _suffix(node: Node) -> Condition:
    if node.kind == "object":
        text = _ignoring_case(node, "Suffix")
        return SuffixIgnoringCase(folded(text, end=r"\Z"), longest_folded(text))
    return Suffix(_text(node, "suffix match pattern must be a string"))


def _equals_ignore_case(node: Node) -> Condition:
    return EqualsIgnoringCase(folded(_text(node, "equals-ignore-case match pattern must be a string")))


def _wildcard(node: Node) -> Condition:
    text = _text(node, "wildcard match pattern must be a string")
    pieces, at = [""], 0
    while at < len(text):
        char, following = text[at], text[at + 1 : at + 2]
        if char == "*":
            if following == "*":
                raise RefusedError(f"Consecutive wildcard characters at pos {_position(text, at)}", node)
            pieces.append("")
        elif char != "\\":
            pieces[-1] += char
        elif following in {"*", "\\"}:
            pieces[-1] += following
            at += 1
        else:
            raise RefusedError(f"Invalid escape character at pos {_position(text, at)}", node)
        at += 1
    return Wildcard(tuple(pieces))


def _position(text: str, at: int) -> int:
    """The service counts bytes, from the opening quote."""
    return len(text[:at].encode(errors="replace")) + 1


def _cidr(node: Node) -> Condition:
    try:
        return InNetwork(network(_text(node, "prefix match pattern must be a string")))
    except ValueError as error:
        raise RefusedError(str(error), node) from None


def _number(node: Node, otherwise: str) -> float:
    if node.kind != "number":
        raise RefusedError(otherwise, node)
    number = comparable(node.text)
    if number is None:
        raise RefusedError(f"Cannot compare number : {node.text}", node)
    return number


def _numeric(node: Node) -> Condition | float:
    if node.kind != "array":
        raise RefusedError("Value of numeric must be an array.", node)
    if not node.items or node.items[0].kind != "string":
        member = node.items[0].text if node.items else "]"
        raise RefusedError(f"Invalid member in numeric match: {member}", node)
    operator, *operands = node.items[0].text, *node.items[1:]
    if operator not in {"=", "<", "<=", ">", ">="}:
        raise RefusedError(f"Unrecognized numeric range operator: {operator}", node.items[0])
    wrong = f"Value of {'equals' if operator == '=' else operator} must be numeric"
    number = _number(operands[0] if operands else node, wrong)
    if operator in {">", ">="} and len(operands) > 1:
        return _range(number, operands[1:], node, low_open=operator == ">")
    if len(operands) > 1:
        raise RefusedError("Too many elements in numeric expression", operands[1])
    if operator == "=":
        return number
    if number == (LARGEST if operator in {">", ">="} else -LARGEST):
        raise RefusedError(f"No number is {operator} {operands[0].text}", operands[0])
    if operator in {"<", "<="}:
        return Between(-LARGEST, number, high_open=operator == "<")
    return Between(number, LARGEST, low_open=operator == ">")


def _range(low: float, rest: list[Node], node: Node, *, low_open: bool) -> Condition:
    if rest[0].kind != "string":
        raise RefusedError(f"Bad value in numeric range: {rest[0].text}", rest[0])
    operator = rest[0].text
    if operator not in {"<", "<="}:
        raise RefusedError(f"Bad numeric range operator: {operator}", rest[0])
    high = _number(rest[1] if len(rest) > 1 else node, f"Value of {operator} must be numeric")
    if len(rest) > 2:  # noqa: PLR2004 - operator and number
        raise RefusedError("Too many terms in numeric range expression", rest[2])
    if low >= high:
        raise RefusedError("Bottom must be less than top", node)
    return Between(low, high, low_open=low_open, high_open=operator == "<")


def _anything_but(node: Node) -> Condition:
    if node.kind == "object":
        return _anything_but_matching(node)
    items = node.items if node.kind == "array" else [node]
    if node.kind == "bare":
        raise RefusedError("Value of anything-but must be an array or single string/number value.", node)
    for item in items:
        if item.kind not in {"string", "number"}:
            raise RefusedError("Inside anything but list, start|null|boolean is not supported.", item)
    if len({item.kind for item in items}) != 1:
        raise RefusedError(MIXED, node)
    return NotIn(frozenset(item.text if item.kind == "string" else _number(item, MIXED) for item in items))


def _anything_but_matching(node: Node) -> Condition:
    name, value = _single(node, "Anything-But expression name not found")
    if name not in INSIDE_ANYTHING_BUT:
        raise RefusedError(f"Unsupported anything-but pattern: {name}", node)
    inner, not_text = INSIDE_ANYTHING_BUT[name]
    if value.kind in {"bare", "object"}:
        raise RefusedError("Value of anything-but must be an array or single string/number value.", value)
    items = value.items if value.kind == "array" else [value]
    for item in items:
        if not _text(item, not_text) and name in {"prefix", "suffix"}:
            raise RefusedError("Null prefix/suffix not allowed", item)
    return NoneOf(tuple(map(inner, items)))


INSIDE_ANYTHING_BUT: dict[str, tuple[Callable[[Node], Condition], str]] = {
    "prefix": (_prefix, "prefix/suffix match pattern must be a string"),
    "suffix": (_suffix, "prefix/suffix match pattern must be a string"),
    "equals-ignore-case": (
        _equals_ignore_case,
        "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
    ),
    "wildcard": (_wildcard, "wildcard match pattern must be a string"),
}
OPERATORS: dict[str, Callable[[Node], Condition | float]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _equals_ignore_case,
    "numeric": _numeric,
    "prefix": _prefix,
    "suffix": _suffix,
    "wildcard": _wildcard,
}
