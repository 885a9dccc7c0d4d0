"""Strings of a fixed length, as four digits: read as eight bytes at once, the first of which is the length."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from analyzer.batch.buffer import WordArray
from analyzer.batch.columns import BoolArray

LENGTHS: Final = {"cardLastFour": 4, "merchantCategory": 4, "currency": 3, "country": 2}
"""Characters, all ASCII, of fields whose strings have a form."""

_DIGITS: Final = frozenset({"cardLastFour", "merchantCategory"})
"""The others are capital letters."""


@dataclass(frozen=True, slots=True, eq=False)
class _Forms:
    """For each of k fields (k, 1) what its eight bytes must be like."""

    fixed: WordArray
    """Bits that are the same in all such strings."""

    form: WordArray
    """What these bits are."""

    free: WordArray
    """The other bits of each character: 0 to 9, or 1 to 26."""

    up: WordArray
    """What carries a digit above 9 or a letter above 26 into the bit above."""

    over: WordArray
    """The bits that nothing may be carried into."""

    least: WordArray
    """Of letters, the bit that 31 carries all but 0 into; of digits none."""


def misshapen(names: tuple[str, ...], words: list[WordArray]) -> BoolArray:
    """Return which records (n,) have a string that is not of its form.

    Args:
        names: k fields.
        words: for each of them the eight bytes from the string's length on (n,).
    """
    forms, word = _forms(names), np.concatenate(words).reshape(len(words), -1)
    free = word & forms.free
    wrong = (word & forms.fixed) ^ forms.form
    wrong |= (free + forms.up) & forms.over
    wrong |= ~(free + forms.free) & forms.least
    return np.asarray(np.bitwise_or.reduce(wrong) != 0)


def letters(word: WordArray) -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
    """Return the first two characters of strings, the first in the high byte."""
    return (word >> np.uint64(8)).astype(np.uint16).byteswap()


@lru_cache
def _forms(names: tuple[str, ...]) -> _Forms:
    columns = np.array([_form(LENGTHS[name], digits=name in _DIGITS) for name in names], np.uint64)
    return _Forms(*(column[:, np.newaxis] for column in columns.T))


def _form(length: int, *, digits: bool) -> list[int]:
    fixed, form, free, up, over, least = (
        (0xF0, 0x30, 0x0F, 0x06, 0xF0, 0) if digits else (0xE0, 0x40, 0x1F, 0x05, 0xE0, 0x20)
    )
    of = [_each(byte, length) for byte in (fixed, form, free, up, over, least)]
    return [of[0] | 0xFF, of[1] | 2 * length, *of[2:]]


def _each(byte: int, length: int) -> int:
    """Return a word with `byte` in its second and the next bytes, `length` in all."""
    return int.from_bytes(bytes([0, *[byte] * length]), "little")
