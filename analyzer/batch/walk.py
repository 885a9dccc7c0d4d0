"""The walk through many records of one schema at once, field by field.

Positions only ever grow, so a record that leaves its bounds anywhere doesn't end at its end; what was read on the way
means nothing then. The bytes of neighbours, or the zeros behind all, are read instead: never beyond the buffer.

A call of numpy costs as much as a hundred records' worth of its work: what can wait is done for all fields at the end.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzer.batch.buffer import HIGH, Buffer, ByteArray, WordArray, beyond, octets, padded, signed, value
from analyzer.batch.columns import BoolArray, FloatArray, IntArray
from analyzer.batch.plan import Field, Kind
from analyzer.batch.shapes import LENGTHS, misshapen

LONGEST_STEP: Final = 72
"""Bytes that a field takes at most, unless it is a string whose length takes more than a byte: that is checked."""

LONGEST_ID: Final = 200
"""Bytes; what has more may still have few enough characters, and is left to the scalar reader."""

WORD: Final = 8
"""Bytes."""

LAST: Final = 0x7F
"""The highest byte that can end a varint."""

EVERY: Final = slice(None)
ALL: Final = np.uint64(0xFFFFFFFFFFFFFFFF)
NUMBERS: Final = ("eventTime", "amountMinor")
IDS: Final = frozenset({"transactionId", "cardId", "userId", "merchantId", "terminalId", "deviceId"})
_ODD, _NO_BRANCH, _NO_BOOLEAN, _ANY = 0x01, 0xFD, 0xFE, 0xFF


class Walk:
    """n records on their way; ask for what was found after the last field."""

    def __init__(self, buffer: Buffer, starts: IntArray) -> None:
        """Stand at the first byte of each Avro body."""
        self._buffer = buffer
        self.at = starts
        self.bounds: list[IntArray] = [starts]
        """For each field where it begins (n,), and where the last one ends."""

        self.contents: dict[str, IntArray] = {}
        """(n,) of each string field of no fixed length where its first character stands."""

        self.present: dict[str, BoolArray] = {}
        """(n,) of each field in a union whether it is not null."""

        self.doubles: dict[str, FloatArray] = {}
        """(n,) not-a-number for null."""

        self.flags: dict[str, ByteArray] = {}
        """(n,) of booleans, and of enums what `Field.symbols` says."""

        self.shaped: dict[str, WordArray] = {}
        """(n,) of strings of fixed length the eight bytes from their length on."""

        self.not_text: list[tuple[slice | IntArray, IntArray, WordArray]] = []
        """In which records (m,), where bytes stand that are no text, which bits of the eight from there are theirs."""

        self.numbers: dict[str, IntArray] = {}
        """(n,) of NUMBERS; known after the end."""

        self.faultless: BoolArray
        """(n,) whether all was as it must be, but for where the records end, and for what the numbers mean."""

        self._varints: dict[str, tuple[WordArray, WordArray]] = {}
        self._faults: list[ByteArray | BoolArray] = []
        self._faulty_bits: list[int] = []

    def step(self, field: Field) -> None:
        """Go over one field of all records."""
        if field.null_branch is None:
            self.at = _STEPS[field.kind](self, field, self.at, None)
        else:
            branch = self._buffer.octets.take(self.at)
            self._fault(branch, _NO_BRANCH)
            self.present[field.name] = there = branch == 2 * (1 - field.null_branch)
            inside = self.at + 1
            self.at = np.where(there, _STEPS[field.kind](self, field, inside, there), inside)
        self.bounds.append(self.at)

    def end(self) -> None:
        """Do for all fields at once what could wait."""
        word, mask = (np.concatenate(one).reshape(len(one), -1) for one in zip(*self._varints.values(), strict=True))
        self.numbers = dict(zip(self._varints, signed(value(word, mask)), strict=True))
        wrong = np.logical_or.reduce(padded(word, mask) | (mask == ALL))
        wrong |= misshapen(tuple(self.shaped), list(self.shaped.values()))
        faults = np.concatenate(self._faults, dtype=np.uint8).reshape(len(self._faults), -1)
        faults &= np.array(self._faulty_bits, np.uint8)[:, np.newaxis]
        self.faultless = ~(wrong | np.bitwise_or.reduce(faults).astype(np.bool_))

    def string(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over a string."""
        if field.name in LENGTHS:
            self.shaped[field.name] = self._buffer.words[at]
            return at + (1 + LENGTHS[field.name])
        size = self._buffer.octets.take(at)
        if there is not None:
            size = size * there
        if field.name in IDS:
            self._fault(size == 0 if there is None else size < there, _ANY)
        self.contents[field.name] = content = at + 1
        end = content + (size >> 1)
        if np.maximum.reduce(size) > LAST:
            self._long_strings(field, at, size, end)
        self._fault(size, _ODD)
        return end

    def _long_strings(self, field: Field, at: IntArray, size: ByteArray, end: IntArray) -> None:
        """Step over the strings of 64 bytes or more, and put right what was taken for a shorter length."""
        which = np.flatnonzero(size > LAST)
        word = self._buffer.words[at[which]]
        mask = beyond(word)
        length, content = signed(value(word, mask)), at[which] + octets(mask)
        most = LONGEST_ID if field.name in IDS else self._buffer.size
        faulty = padded(word, mask) | (mask == ALL) | (length < 0) | (length > most)
        self.contents[field.name][which] = content
        end[which] = np.where(faulty, content, np.minimum(content + length, self._buffer.size))
        size[which] = faulty
        self.not_text.append((which, at[which], mask & HIGH))

    def long(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over a number."""
        word = self._buffer.words[at]
        mask = beyond(word)
        self._not_text(at, mask & HIGH, there)
        taken = octets(mask)
        if field.name in NUMBERS:
            self._varints[field.name] = word, mask
            return at + taken
        return at + taken + self._unneeded(at, word, mask, there)

    def _unneeded(self, at: IntArray, word: WordArray, mask: WordArray, there: BoolArray | None) -> BoolArray:
        """Check numbers that may have nine or ten bytes; return which have ten."""
        ninth, tenth = self._buffer.octets.take(at + WORD), self._buffer.octets.take(at + (WORD + 1))
        more = mask == ALL
        ten: BoolArray = more & (ninth > LAST)
        self._not_text(at + WORD, ten * np.uint64(LAST + 1), there)
        wrong = np.where(more, np.where(ten, tenth != 1, ninth == 0), padded(word, mask))
        self._fault(wrong if there is None else wrong & there, _ANY)
        return ten

    def boolean(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over a boolean."""
        flag = self.flags[field.name] = self._buffer.octets.take(at)
        self._fault(flag if there is None else flag * there, _NO_BOOLEAN)
        return at + 1

    def enum(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over an enum."""
        symbols = np.frombuffer(field.symbols, np.uint8)
        flag = self.flags[field.name] = symbols.take(self._buffer.octets.take(at))
        self._fault(flag if there is None else flag * there, _NO_BOOLEAN)
        return at + 1

    def double(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over a double; not-a-number stands for null."""
        word = self._buffer.words[at]
        self._not_text(at, np.full(len(at), ALL), there)
        found: FloatArray = word.view(np.float64)
        self.doubles[field.name] = found if there is None else np.where(there, found, np.nan)
        return at + WORD

    def float(self, field: Field, at: IntArray, there: BoolArray | None) -> IntArray:
        """Step over a float, which nobody needs."""
        del field
        self._not_text(at, np.full(len(at), ALL >> np.uint64(32)), there)
        return at + WORD // 2

    def _fault(self, octets: ByteArray | BoolArray, bits: int) -> None:
        """Remember that some bits of what was read must be 0."""
        self._faults.append(octets)
        self._faulty_bits.append(bits)

    def _not_text(self, at: IntArray, bits: WordArray, there: BoolArray | None) -> None:
        self.not_text.append((EVERY, at, bits if there is None else bits * there))


_STEPS: Final = {
    Kind.STRING: Walk.string,
    Kind.LONG: Walk.long,
    Kind.BOOLEAN: Walk.boolean,
    Kind.ENUM: Walk.enum,
    Kind.DOUBLE: Walk.double,
    Kind.FLOAT: Walk.float,
}
