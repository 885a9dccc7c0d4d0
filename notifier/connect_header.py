"""A header's bytes, typed as Kafka Connect's SimpleHeaderConverter types them, as JSON.

The converter reads text and guesses: number, true, false, null, ISO date or time, [array], {map}, else a
string. Its guesses are odd in places (`1.0` is 1, `1,2` is 1, `{1:2}` is `[[1,2]]`) and kept, because
routing rules see them. `tests/unit/test_notifier_vectors.json` holds what the converter itself said. Where
it fails, the connector has no answer; then a null stays null, a container stays itself, and the rest is a string.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any, Final

from notifier import java_json

_TOKEN: Final = re.compile(r'[:,{}\[\]"]|(?:\\.?|[^:,{}\[\]"\\])+', re.DOTALL)
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
_DATE: Final = r"(\d+)-(\d+)-(\d+)"
_TIME: Final = r"(\d+):(\d+):(\d+)\.(\d+)Z"
_BLANKS: Final = "".join(map(chr, range(0x21)))
_DAY_MS: Final = 86_400_000
_LONG: Final = range(-(2**63), 2**63)
_LONG_DIGITS: Final = 19
_BASIC_PLANE: Final = 0xFFFF


class _Kind(IntEnum):
    """Connect's types; up to FLOAT64 a greater one holds the values of a smaller one."""

    INT8 = 0
    INT16 = 1
    INT32 = 2
    INT64 = 3
    FLOAT32 = 4
    FLOAT64 = 5
    BOOLEAN = 6
    STRING = 7
    BYTES = 8
    ARRAY = 9
    MAP = 10


@dataclass(frozen=True, slots=True)
class _Typed:
    kind: _Kind
    value: Any
    temporal: bool = False


_Node = _Typed | None


class _NotTypedError(Exception):
    """The text is no array or map after all: it is a string."""


def header(data: bytes | None) -> str:
    """Return the JSON of one header's value."""
    if data is None:
        return "null"
    text = java_json.utf8(data)
    try:
        return _json(_parse(text))
    except (_NotTypedError, RecursionError):
        return java_json.string(text)


def _parse(text: str) -> _Node:
    if not text:
        return _Typed(_Kind.STRING, text)
    reader = _Reader(text)
    for literal, node in _LITERALS.items():
        if reader.consume(literal) and not reader.more():
            return node
        reader.at = 0
    try:
        node = reader.container()
    except _NotTypedError:
        if not reader.tokens[0].strip(_BLANKS):
            return _Typed(_Kind.STRING, reader.tokens[0])  # odd, but so it says
        raise
    return node or reader.scalar() or _Typed(_Kind.STRING, text)


class _Reader:
    """Walks over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)
        self.at = 0

    def more(self) -> bool:
        return self.at < len(self.tokens)

    def consume(self, wanted: str) -> bool:
        """Step over blank tokens, and over `wanted` if it stands there."""
        while self.at < len(self.tokens) - 1 and not self.tokens[self.at].strip(_BLANKS):
            self.at += 1
        found = self.more() and self.tokens[self.at].strip(_BLANKS) == wanted
        self.at += found
        return found

    def container(self) -> _Node:
        """Return the array or map that begins here, or None."""
        if self.consume("["):
            return self.array()
        return self.map() if self.consume("{") else None

    def embedded(self) -> _Node:
        """Return an element of an array, or a key or a value of a map."""
        if not self.more():
            return None
        if self.consume('"'):
            return self.quoted()
        for literal, node in _LITERALS.items():
            if self.consume(literal):
                return node
        node = self.container() or self.scalar()
        if node is None:
            raise _NotTypedError
        return node

    def quoted(self) -> _Typed:
        parts = []
        while self.more() and not self.consume('"'):
            parts.append(self.tokens[self.at])
            self.at += 1
        content = "".join(parts)
        as_temporal = _Reader(content).scalar() if content[:1].isdigit() else None
        return as_temporal if as_temporal and as_temporal.temporal else _Typed(_Kind.STRING, content)

    def scalar(self) -> _Typed | None:
        """Return the number, date or time that begins here, or None; one token is used up at least."""
        token = self.tokens[self.at]
        self.at += 1
        stripped = token.strip(_BLANKS)
        if not stripped:
            return _Typed(_Kind.STRING, token)
        if stripped[0].isdigit():
            # A colon ends a token, so that a time of day is five of them.
            rest = self.tokens[self.at : self.at + 4]
            found = _temporal(stripped + "".join(rest)) if len(rest) == 4 else None  # noqa: PLR2004 - as said
            if found:
                self.at += 4
                return found
        return _temporal(stripped) or _number(stripped)

    def array(self) -> _Typed:
        items: list[_Node] = []
        while self.more():
            if self.consume("]"):
                return _Typed(_Kind.ARRAY, _aligned(items))
            if self.consume(","):
                break
            items.append(self.embedded())
            ends = self.consume("]")
            self.at -= ends
            if not ends and not self.consume(","):
                break
        raise _NotTypedError

    def map(self) -> _Typed:
        keys: list[_Node] = []
        values: list[_Node] = []
        while self.more():
            if self.consume("}"):
                return _Typed(_Kind.MAP, list(zip(_aligned(keys), _aligned(values), strict=True)))
            if self.consume(","):
                break
            keys.append(self.embedded())
            if keys[-1] is None or not self.consume(":"):
                break
            values.append(self.embedded())
            self.consume(",")
        raise _NotTypedError


_LITERALS: Final[dict[str, _Node]] = {
    "null": None,
    "true": _Typed(_Kind.BOOLEAN, value=True),
    "false": _Typed(_Kind.BOOLEAN, value=False),
}


def _number(text: str) -> _Typed | None:
    """Return the smallest type that holds the number; a fraction is a float, even where a double is closer."""
    ascii_digits = "".join(str(int(c)) if c.isdecimal() and ord(c) <= _BASIC_PLANE else c for c in text)
    if text[0] == "." or not _NUMBER.fullmatch(ascii_digits):
        return None
    number = Decimal(ascii_digits)
    sign, digits, exponent = number.as_tuple()
    if number.adjusted() <= _LONG_DIGITS and number == number.to_integral_value():
        whole = int(number)
        if whole in _LONG:
            bits = max(whole, ~whole).bit_length()
            return _Typed(next(kind for kind, most in zip(_Kind, (7, 15, 31, 63), strict=False) if bits <= most), whole)
    if exponent and math.isfinite(value := java_json.to_single(_odd(number))):
        return _Typed(_Kind.FLOAT32, value)
    if exponent and math.isfinite(value := float(number)):
        return _Typed(_Kind.FLOAT64, value)
    unscaled = int("".join(map(str, digits))) * (-1 if sign else 1)
    return _Typed(_Kind.BYTES, unscaled.to_bytes(max(unscaled, ~unscaled).bit_length() // 8 + 1, signed=True))


def _odd(number: Decimal) -> float:
    """Return a double near `number` that rounds to the same 32-bit number as `number` itself."""
    near = float(number)
    if not math.isfinite(near) or Decimal(near) == number:
        return near
    # A double half-way between two floats would hide on which side the number is: step to that side.
    return math.nextafter(near, math.inf if number > Decimal(near) else -math.inf)


def _temporal(text: str) -> _Typed | None:
    """Return days, ms of the day, or ms since 1970, for text as long as an ISO date, time or timestamp."""
    text = text.replace("\\:", ":")
    if len(text) == len("yyyy-mm-dd"):
        found = re.match(_DATE, text, re.ASCII)
        return _Typed(_Kind.INT32, _days(found), temporal=True) if found else None
    if len(text) == len("hh:mm:ss.mmmZ"):
        found = re.match(_TIME, text, re.ASCII)
        return _Typed(_Kind.INT32, _within_a_day(_ms(found.groups())), temporal=True) if found else None
    if len(text) == len("yyyy-mm-ddThh:mm:ss.mmmZ") and (found := re.match(f"{_DATE}T{_TIME}", text, re.ASCII)):
        return _Typed(_Kind.INT64, _days(found) * _DAY_MS + _ms(found.groups()[3:]), temporal=True)
    return None


def _days(found: re.Match[str]) -> int:
    """Return days since 1970; month 13 is January of the next year, as Java's lenient calendar has it."""
    year, month, day = (int(part) for part in found.groups()[:3])
    try:
        first = date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1) + timedelta(days=day - 1)
    except (ValueError, OverflowError):
        raise _NotTypedError from None
    return (first - date(1970, 1, 1)).days


def _ms(parts: tuple[str, ...]) -> int:
    hours, minutes, seconds, ms = map(int, parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms


def _within_a_day(ms: int) -> int:
    if ms >= _DAY_MS:
        raise _NotTypedError
    return ms


def _aligned(items: list[_Node]) -> list[_Node]:
    """Return the items in their common type, as they are when they have none."""
    common: _Typed | None = None
    for item in items:
        if item is None:
            continue
        if common is None or common.kind == item.kind:
            common = item
        elif max(common.kind, item.kind) <= _Kind.FLOAT64:
            common = max(common, item, key=lambda one: one.kind)
        else:
            return items
    return items if common is None else [_converted(item, common) for item in items]


def _converted(item: _Node, common: _Typed) -> _Node:
    if item is None or (item.temporal and not common.temporal):
        raise _NotTypedError
    if item.kind < common.kind == _Kind.FLOAT32:
        return _Typed(_Kind.FLOAT32, java_json.to_single(float(item.value)))
    if item.kind < common.kind == _Kind.FLOAT64:
        return _Typed(_Kind.FLOAT64, float(item.value))
    return item


def _json(node: _Node) -> str:
    if node is None:
        return "null"
    match node.kind:
        case _Kind.BOOLEAN:
            return "true" if node.value else "false"
        case _Kind.STRING:
            return java_json.string(node.value)
        case _Kind.BYTES:
            return java_json.base64_string(node.value)
        case _Kind.FLOAT32:
            return java_json.single(node.value)
        case _Kind.FLOAT64:
            return java_json.double(node.value)
        case _Kind.ARRAY:
            return java_json.array(map(_json, node.value))
        case _Kind.MAP:
            return _json_of_map(node.value)
        case _:
            return str(node.value)


def _json_of_map(members: list[tuple[_Typed, _Node]]) -> str:
    """Return an object when every key is a string, else an array of pairs; the last of equal keys counts."""
    values = {_json(key): _json(value) for key, value in members}
    if all(key.kind == _Kind.STRING for key, _ in members):
        return f"{{{','.join(f'{key}:{value}' for key, value in values.items())}}}"
    return java_json.array(java_json.array(pair) for pair in values.items())
