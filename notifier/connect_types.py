"""Kafka Connect's types as far as headers have them: guessed from a token, brought together, written as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import IntEnum
from typing import Any, Final

from notifier import java_json

BLANKS: Final = "".join(map(chr, range(0x21)))
"""What Java's `trim` takes away."""

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
_DATE: Final = r"(\d+)-(\d+)-(\d+)"
_TIME: Final = r"(\d+):(\d+):(\d+)\.(\d+)Z"
_DAY_MS: Final = 86_400_000
_LONG: Final = range(-(2**63), 2**63)
_LONG_DIGITS: Final = 19
_BASIC_PLANE: Final = 0xFFFF


class Kind(IntEnum):
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
class Typed:
    """A value and its type; `temporal` is a date, a time or a timestamp, kept as an integer."""

    kind: Kind
    value: Any
    temporal: bool = False


Node = Typed | None
"""A typed value, or None for a null."""


class NotTypedError(Exception):
    """The text is no array, map or time of day after all: it is a string."""


def number_of(text: str) -> Typed | None:
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
            return Typed(next(kind for kind, most in zip(Kind, (7, 15, 31, 63), strict=False) if bits <= most), whole)
    if exponent and math.isfinite(value := java_json.to_single(_odd(number))):
        return Typed(Kind.FLOAT32, value)
    if exponent and math.isfinite(value := float(number)):
        return Typed(Kind.FLOAT64, value)
    unscaled = int(Decimal((sign, digits, 0)))
    return Typed(Kind.BYTES, unscaled.to_bytes(max(unscaled, ~unscaled).bit_length() // 8 + 1, signed=True))


def _odd(number: Decimal) -> float:
    """Return a double near `number` that rounds to the same 32-bit number as `number` itself."""
    near = float(number)
    if not math.isfinite(near) or Decimal(near) == number:
        return near
    # A double half-way between two floats would hide on which side the number is: step to that side.
    return math.nextafter(near, math.inf if number > Decimal(near) else -math.inf)


def temporal_of(text: str) -> Typed | None:
    """Return days, ms of the day, or ms since 1970, for text as long as an ISO date, time or timestamp."""
    text = text.replace("\\:", ":")
    if len(text) == len("yyyy-mm-dd"):
        found = re.match(_DATE, text, re.ASCII)
        return Typed(Kind.INT32, _days(found), temporal=True) if found else None
    if len(text) == len("hh:mm:ss.mmmZ"):
        found = re.match(_TIME, text, re.ASCII)
        return Typed(Kind.INT32, _within_a_day(_ms(found.groups())), temporal=True) if found else None
    if len(text) == len("yyyy-mm-ddThh:mm:ss.mmmZ") and (found := re.match(f"{_DATE}T{_TIME}", text, re.ASCII)):
        return Typed(Kind.INT64, _days(found) * _DAY_MS + _ms(found.groups()[3:]), temporal=True)
    return None


def _days(found: re.Match[str]) -> int:
    """Return days since 1970; month 13 is January of the next year, as Java's lenient calendar has it."""
    year, month, day = (int(part) for part in found.groups()[:3])
    try:
        first = date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1) + timedelta(days=day - 1)
    except (ValueError, OverflowError):
        raise NotTypedError from None
    return (first - date(1970, 1, 1)).days


def _ms(parts: tuple[str, ...]) -> int:
    hours, minutes, seconds, ms = map(int, parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms


def _within_a_day(ms: int) -> int:
    if ms >= _DAY_MS:
        raise NotTypedError
    return ms


def aligned(items: list[Node]) -> list[Node]:
    """Return the items in their common type, as they are when they have none."""
    common: Typed | None = None
    for item in items:
        if item is None:
            continue
        if common is None or common.kind == item.kind:
            common = item
        elif max(common.kind, item.kind) <= Kind.FLOAT64:
            common = max(common, item, key=lambda one: one.kind)
        else:
            return items
    return items if common is None else [_converted(item, common) for item in items]


def _converted(item: Node, common: Typed) -> Node:
    if item is None or (item.temporal and not common.temporal):
        raise NotTypedError
    if item.kind < common.kind == Kind.FLOAT32:
        return Typed(Kind.FLOAT32, java_json.to_single(float(item.value)))
    if item.kind < common.kind == Kind.FLOAT64:
        return Typed(Kind.FLOAT64, float(item.value))
    return item


def json_text(node: Node) -> str:
    """Return the JSON of a typed value."""
    return "null" if node is None else _WRITERS.get(node.kind, str)(node.value)


def _map_text(members: list[tuple[Typed, Node]]) -> str:
    """Return an object when every key is a string, else an array of pairs; the last of equal keys counts."""
    values = {json_text(key): json_text(value) for key, value in members}
    if all(key.kind == Kind.STRING for key, _ in members):
        return f"{{{','.join(f'{key}:{value}' for key, value in values.items())}}}"
    return java_json.array(java_json.array(pair) for pair in values.items())


_WRITERS: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.FLOAT32: java_json.single,
    Kind.FLOAT64: java_json.double,
    Kind.BOOLEAN: lambda value: "true" if value else "false",
    Kind.STRING: java_json.string,
    Kind.BYTES: java_json.base64_string,
    Kind.ARRAY: lambda items: java_json.array(map(json_text, items)),
    Kind.MAP: _map_text,
}
