"""The conditions that a pattern puts on one value: an operator each.

The service compares strings together with their quotes, so a prefix may reach the closing quote and a suffix the
opening one; that is why quotes appear here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from eventbus.pattern.addresses import Network, address
from eventbus.pattern.event import Leaf


class Condition(Protocol):
    """One operator with its operands."""

    def accepts(self, value: Leaf, /) -> bool:
        """Whether the value meets it."""


@dataclass(frozen=True, slots=True)
class Exists:
    """Any value, null too."""

    def accepts(self, _value: Leaf) -> bool:
        """Always: a value is there."""
        return True


@dataclass(frozen=True, slots=True)
class Prefix:
    """Strings that start with `text`."""

    text: str

    def accepts(self, value: Leaf) -> bool:
        """By code points."""
        return isinstance(value, str) and (value + '"').startswith(self.text)


@dataclass(frozen=True, slots=True)
class Suffix:
    """Strings that end with `text`."""

    text: str

    def accepts(self, value: Leaf) -> bool:
        """By code points."""
        return isinstance(value, str) and ('"' + value).endswith(self.text)


@dataclass(frozen=True, slots=True)
class EqualsIgnoringCase:
    """Strings that `folded` matches from end to end."""

    folded: re.Pattern[str]

    def accepts(self, value: Leaf) -> bool:
        """Each letter in its upper or lower case."""
        return isinstance(value, str) and self.folded.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class PrefixIgnoringCase:
    """Strings that start with what `folded` matches."""

    folded: re.Pattern[str]

    def accepts(self, value: Leaf) -> bool:
        """Each letter in its upper or lower case."""
        return isinstance(value, str) and self.folded.match(value + '"') is not None


@dataclass(frozen=True, slots=True)
class SuffixIgnoringCase:
    """Strings that end with what `folded` matches; `folded` ends in an anchor."""

    folded: re.Pattern[str]
    longest: int
    """The most characters that `folded` matches: what stands before them in a long value is not looked at."""

    def accepts(self, value: Leaf) -> bool:
        """Each letter in its upper or lower case."""
        return isinstance(value, str) and self.folded.search(('"' + value)[-self.longest :]) is not None


@dataclass(frozen=True, slots=True)
class Wildcard:
    """Strings made of `pieces` in this order with anything between them: `a*b*` is ("a", "b", "")."""

    pieces: tuple[str, ...]

    def accepts(self, value: Leaf) -> bool:
        """In time linear in the value: each piece at its first place after the one before."""
        if not isinstance(value, str):
            return False
        head, *middle, tail = (*self.pieces, "") if len(self.pieces) == 1 else self.pieces
        if len(self.pieces) == 1:
            return value == head
        at, end = len(head), len(value) - len(tail)
        if end < at or not (value.startswith(head) and value.endswith(tail)):
            return False
        for piece in middle:
            found = value.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True


@dataclass(frozen=True, slots=True)
class Between:
    """Numbers from `low` to `high`, each end in it or not."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def accepts(self, value: Leaf) -> bool:
        """Only numbers; a string of digits is none."""
        if not isinstance(value, float) or not self.low <= value <= self.high:
            return False
        return not (self.low_open and value == self.low) and not (self.high_open and value == self.high)


@dataclass(frozen=True, slots=True)
class InNetwork:
    """Strings that are IP addresses of `network`."""

    network: Network

    def accepts(self, value: Leaf) -> bool:
        """However the address is written."""
        digits = address(value) if isinstance(value, str) else None
        return digits is not None and self.network.has(digits)


@dataclass(frozen=True, slots=True)
class NotIn:
    """Anything but these strings, or these numbers."""

    values: frozenset[Leaf]

    def accepts(self, value: Leaf) -> bool:
        """Values of another type are always something else."""
        return value not in self.values


@dataclass(frozen=True, slots=True)
class NoneOf:
    """Anything that none of these conditions accepts."""

    conditions: tuple[Condition, ...]

    def accepts(self, value: Leaf) -> bool:
        """Values that are no strings always, nothing when there are no conditions."""
        return bool(self.conditions) and not any(condition.accepts(value) for condition in self.conditions)


def folded(text: str, end: str = "") -> re.Pattern[str]:
    """A pattern of `text` in which each character stands in its lower or its upper case, one by one.

    As in the service, a character is no alternative to itself when it is neither (`ǅ`), the cases may differ in
    length (`ß` is `SS`), and a character beyond the basic plane becomes two question marks.
    """
    return re.compile("".join(_either_case(char) for char in text) + end, re.DOTALL)


def longest_folded(text: str) -> int:
    """The most characters that `folded` matches."""
    return sum(max(map(len, _cases(char))) for char in text)


def _either_case(char: str) -> str:
    cases = _cases(char)
    return re.escape(cases[0]) if len(cases) == 1 else f"(?:{'|'.join(map(re.escape, cases))})"


def _cases(char: str) -> list[str]:
    if ord(char) > 0xFFFF:  # noqa: PLR2004 - the last character of the basic plane
        return ["??"]
    return sorted({char.lower(), char.upper()})
