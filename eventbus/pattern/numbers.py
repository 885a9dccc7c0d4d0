"""Which numbers compare as numbers: those that a double holds exactly as they are written.

A number with more digits than a double tells apart (or past its range) is still a value, but only its very text
equals it. `1`, `1.0` and `1e0` are one number.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Self

CERTAIN_CHARACTERS = 15
"""A plain decimal of at most so many characters always comes back from a double as it was."""
CERTAIN_INTEGER = 2**53
"""Every integer up to here is a double."""


class Inexact(float):
    """A JSON number that no double holds as written; `text` is how it was written."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Remember the text beside the nearest double."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def comparable(text: str) -> float | None:
    """The double equal to the JSON number `text`, or None when there is none."""
    number = float(text)
    plain = "e" not in text and "E" not in text
    if plain and len(text) <= CERTAIN_CHARACTERS:
        return number
    if number == 0:
        mantissa = text.lower().partition("e")[0]
        return number if not mantissa.strip("-0.") else None
    if number in {float("inf"), float("-inf")}:
        return None
    return number if Decimal(repr(number)) == Decimal(text) else None


def real(text: str) -> float:
    """A JSON number with fraction or exponent as Python's, its text kept when that is more than a double holds."""
    number = comparable(text)
    return Inexact(text) if number is None else number


def integer(text: str) -> float:
    """A JSON integer as Python's `int`; a huge one as `real`, which has no limit of digits."""
    return int(text) if len(text) <= 300 else real(text)  # noqa: PLR2004 - less than Python's limit of 4,300 digits
