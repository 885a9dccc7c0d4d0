"""The walk through many records of one schema at once, field by field.

Positions only ever grow, so a record that leaves its bounds anywhere doesn't end at its end; what was read on the way
means nothing then. The bytes of neighbours, or the zeros behind all, are read instead: never beyond the buffer.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzer.batch.buffer import HIGH, Buffer, ByteArray, WordArray, signed, value, varint
from analyzer.batch.columns import BoolArray, FloatArray, IntArray
from analyzer.batch.plan import Field, Kind

LONGEST_STEP: Final = 72
"""Bytes that a field takes at most, unless it is a string whose length takes more than a byte: that is checked."""

LONGEST_ID: Final = 200
"""Bytes; what has more may still have few enough characters, and is left to the scalar reader."""

WORD: Final = 8
"""Bytes."""

LAST: Final = 0x7F
"""The highest byte that can end a varint."""

ALL: Final = 0xFFFFFFFFFFFFFFFF
_DIGITS: Final = (0xF0, 0x30, 0x0F, 0x06, 0xF0)
_LETTERS: Final = (0xE0, 0x40, 0x1F, 0x05, 0xE0)
SHAPES: Final = {
    "cardLastFour": (4, _DIGITS),
    "merchantCategory": (4, _DIGITS),
    "currency": (3, _LETTERS),
    "country": (2, _LETTERS),
}
IDS: Final = frozenset({"transactionId", "cardId", "userId", "merchantId", "terminalId", "deviceId"})


class Walk:
    """n records on their way; ask for what was found after the last field."""

    def __init__(self, buffer: Buffer, starts: IntArray) -> None:
        """Stand at the first byte of each Avro body."""
        self._buffer = buffer
        self.at = starts
        self.faults: ByteArray = np.zeros(len(starts), np.uint8)
        """(n,) not 0: something is not as it must be."""

        self.bounds: list[IntArray] = [starts]
        """For each field where it begins (n,), and where the last one ends."""

        self.contents: dict[str, IntArray] = {}
        """(n,) of each string field where its first character stands."""

        self.present: dict[str, BoolArray] = {}
        """(n,) of each field in a union whether it is not null."""

        self.numbers: dict[str, IntArray] = {}
        self.doubles: dict[str, FloatArray] = {}
        self.flags: dict[str, ByteArray] = {}
        """(n,) of booleans, and of enums what `Field.symbols` says."""

        self.shaped: dict[str, WordArray] = {}
        """(n,) of strings of fixed length the eight bytes from their length on."""

        self.not_text: list[tuple[IntArray, WordArray]] = []
        """Where (n,) bytes stand that are no text, and which bits of the eight from there on are theirs."""

    def step(self, field: Field) -> None:
        """Go over one field of all records."""
        if field.null_branch is None:
            self.at = _STEPS[field.kind](self, field, self.at, None)
        else:
            branch = self._buffer.octets.take(self.at)
            self.faults |= branch & 0xFD
            self.present[field.name] = there = branch == 2 * (1 - field.null_branch)
            inside = self.at + 1
            self.at = np.where(there, _STEPS[field.kind](self, field, inside, there), inside)
        self.bounds.append(self.at)

    def string(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over a string."""
        if field.name in SHAPES and there is None:
            return self._shape(field, at)
        size = self._buffer.octets.take(at)
        if there is not None:
            size = size * there
        if field.name in IDS:
            self._fault(size == 0, there)
        self.contents[field.name] = content = at + 1
        if size.max(initial=0) > LAST:
            return self._long_string(field, at, size)
        self.faults |= size & 1
        return content + (size >> 1)

    def _shape(self, field: Field, at: IntArray) -> IntArray:
        length, (kind_bits, kind, bits, up, over) = SHAPES[field.name]
        word = self.shaped[field.name] = self._buffer.words[at]
        wrong = word & (_each(kind_bits, length) | 0xFF) ^ (_each(kind, length) | 2 * length)
        wrong |= (word & _each(bits, length)) + _each(up, length) & _each(over, length)
        if kind == _LETTERS[1]:
            wrong |= ~((word & _each(bits, length)) + _each(bits, length)) & _each(0x20, length)
        self._fault(wrong != 0, None)
        return at + (1 + length)

    def _long_string(self, field: Field, at: IntArray, size: ByteArray) -> IntArray:
        """Step over strings of which some have 64 bytes or more."""
        absent = size == 0
        word = np.where(absent, 0, self._buffer.words[at])
        mask, taken, padded = varint(word)
        length = signed(value(word, mask))
        faulty = padded | (taken > WORD) | (length < 0) | (length > self._buffer.size)
        if field.name in IDS:
            faulty |= length > LONGEST_ID
        self.faults |= faulty
        self.not_text.append((at, mask & HIGH))
        self.contents[field.name] = content = at + taken
        return np.where(faulty, at, np.minimum(content + length, self._buffer.size))

    def long(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over a number."""
        word = self._buffer.words[at]
        mask, taken, padded = varint(word)
        self._no_text(at, mask & HIGH, there)
        self.numbers[field.name] = signed(value(word, mask))
        if taken.max(initial=0) > WORD:
            taken, padded = self._long_long(field, at, taken, padded, there)
        self._fault(padded, there)
        return at + taken

    def _long_long(
        self, field: Field, at: IntArray, taken: ByteArray, padded: BoolArray, there: BoolArray | None
    ) -> tuple[ByteArray, BoolArray]:
        """Step over numbers of which some have nine or ten bytes, as none has that anybody needs."""
        ninth, tenth = self._buffer.octets.take(at + 8), self._buffer.octets.take(at + 9)
        beyond = taken > WORD
        ten = beyond & (ninth > LAST)
        self._no_text(at + 8, ten * np.uint64(LAST + 1), there)
        wrong = np.where(ten, tenth != 1, ninth == 0) | (field.name in {"eventTime", "amountMinor"})
        return taken + ten, np.where(beyond, wrong, padded)

    def boolean(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over a boolean."""
        flag = self.flags[field.name] = self._buffer.octets.take(at)
        self._fault(flag > 1, there)
        return at + 1

    def enum(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over an enum."""
        symbols = np.frombuffer(field.symbols, np.uint8)
        symbol = self.flags[field.name] = symbols.take(self._buffer.octets.take(at))
        self._fault(symbol > 1, there)
        return at + 1

    def double(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over a double; not-a-number stands for null."""
        word = self._buffer.words[at]
        self._no_text(at, np.full_like(word, ALL), there)
        found: FloatArray = word.view(np.float64)
        self.doubles[field.name] = found if there is None else np.where(there, found, np.nan)
        return at + 8

    def float(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over a float, which nobody needs."""
        del field
        self._no_text(at, np.full(len(at), ALL >> 32, np.uint64), there)
        return at + 4

    def _fault(self, faulty: BoolArray, there: BoolArray | None) -> None:
        self.faults |= faulty if there is None else faulty & there

    def _no_text(self, at: IntArray, bits: WordArray, there: BoolArray | None) -> None:
        self.not_text.append((at, bits if there is None else bits * there))


_STEPS: Final = {
    Kind.STRING: Walk.string,
    Kind.LONG: Walk.long,
    Kind.BOOLEAN: Walk.boolean,
    Kind.ENUM: Walk.enum,
    Kind.DOUBLE: Walk.double,
    Kind.FLOAT: Walk.float,
}


def _each(byte: int, length: int) -> int:
    """Return a word with `byte` in its second and the next bytes, `length` in all."""
    return int.from_bytes(bytes([0, *[byte] * length]), "little")
