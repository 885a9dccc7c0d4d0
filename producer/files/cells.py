"""Reads cells: texts, tokens, amounts and coordinates. Pure; what can't be read is a `BadCellError`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from hashlib import blake2b
from typing import Any, Final

from producer.files.mapping import Source
from producer.files.problems import BadCellError

Cells = Sequence[Any]
Text = Callable[[Cells], str | None]
"""Reads a text; None: there is none."""

LONGEST_TEXT: Final = 200
"""Characters; the analyzer takes no more."""
LARGEST_MINOR: Final = 10**12
"""The analyzer takes no larger amount."""
NOISE: Final = Decimal("0.001")
"""Parts of a minor unit that come of binary fractions, not of a price."""

_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DIGITS: Final = re.compile(r"\d{12,19}", re.ASCII)
_CARD: Final = "looks like a card number, which must not leave the file: map it as {{ hash_of = [{0!r}] }}"


def plain(value: Any) -> str:
    """Return a cell as text: empty for nothing, whole numbers without a point, truth in small letters."""
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def text_of(source: Source, index: Mapping[str, int], key: bytes, *, card: bool = False) -> Text:
    """Return what reads a text.

    Args:
        source: where it comes from.
        index: the place of each column among the cells.
        key: of tokens, 64 bytes at most.
        card: the text names a card: no long number is let through, whether it is a valid card number or not.
    """
    if source.constant is not None:
        constant = source.prefix + source.constant
        return lambda _: constant
    if source.hash_of:
        return _token(source, [index[name] for name in source.hash_of], key)
    name = source.column or ""
    place, values, otherwise, prefix = index[name], source.values, source.otherwise, source.prefix

    def read(cells: Cells) -> str | None:
        text = cells[place]
        if text.__class__ is not str:
            text = plain(text)
        if values:
            text = _looked_up(text, values, otherwise, name)
        elif len(text) >= 12 and _is_card_number(text, anything=card):  # noqa: PLR2004 - the shortest card numbers
            raise BadCellError(name, _CARD.format(name))
        if len(text) + len(prefix) > LONGEST_TEXT:
            raise BadCellError(name, f"has {len(text)} characters, at most {LONGEST_TEXT - len(prefix)} are taken")
        return prefix + text if text else None

    return read


def _looked_up(text: str, values: Mapping[str, str], otherwise: str | None, name: str) -> str:
    found = values.get(text, otherwise)
    if found is None:
        shown = "a long number" if _is_card_number(text, anything=True) else repr(text[:40])
        raise BadCellError(name, f"{shown} is not in the mapping's table of values: add it, or set otherwise")
    return found


def _token(source: Source, places: list[int], key: bytes) -> Text:
    prefix = source.prefix

    def read(cells: Cells) -> str | None:
        texts = [plain(cells[place]) for place in places]
        if not all(texts):
            return None
        return prefix + blake2b("\x1f".join(texts).encode(), key=key, digest_size=16).hexdigest()

    return read


def _is_card_number(text: str, *, anything: bool) -> bool:
    digits = text.replace(" ", "").replace("-", "")
    return bool(_DIGITS.fullmatch(digits)) and (anything or _luhn(digits))


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(sum(divmod(2 * number, 10)) for number in numbers[1::2])) % 10 == 0


def last_four_of(name: str, index: Mapping[str, int]) -> Callable[[Cells], str]:
    """Return what reads the last four digits of a number."""
    place = index[name]

    def read(cells: Cells) -> str:
        digits = plain(cells[place])[-4:]
        if len(digits) != 4 or not (digits.isascii() and digits.isdigit()):  # noqa: PLR2004 - four, as the name says
            raise BadCellError(name, "does not end in four digits")
        return digits

    return read


def number(value: Any, name: str, decimal: str = ".") -> Decimal:
    """Return a cell as an exact number."""
    text = plain(value)
    if decimal != "." and isinstance(value, str):
        text = text.replace(".", "\0").replace(decimal, ".")
    if not text:
        raise BadCellError(name, "is empty: there must be a number")
    if not _NUMBER.fullmatch(text):
        remedy = "write it like 1234.50, or set the mapping's file.decimal"
        raise BadCellError(name, f"{plain(value)[:40]!r} is not a number: {remedy}")
    return Decimal(text)


def minor_units(value: Decimal, per_unit: int, name: str, *, rounded: bool) -> int:
    """Return an amount in minor units."""
    exact = value * per_unit
    if exact < 0:
        raise BadCellError(name, f"{value} is negative: refunds and reversals are no authorisations")
    if exact > LARGEST_MINOR:
        raise BadCellError(name, f"{value} is too large: at most {LARGEST_MINOR:,} minor units are taken")
    whole = exact.to_integral_value(ROUND_HALF_EVEN)
    if not rounded and abs(exact - whole) > NOISE:
        raise BadCellError(name, f"{value} has parts of a minor unit: set amount.rounded or amount.minor_per_unit")
    return int(whole)


def degrees_of(name: str, limit: int, index: Mapping[str, int]) -> Callable[[Cells], float | None]:
    """Return what reads a coordinate up to so many degrees; None: there is none."""
    place = index[name]

    def read(cells: Cells) -> float | None:
        if plain(cells[place]) == "":
            return None
        degrees = float(number(cells[place], name))
        if abs(degrees) > limit:
            raise BadCellError(name, f"{degrees} is not between -{limit} and {limit} degrees")
        return degrees

    return read
