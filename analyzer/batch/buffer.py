"""Many records' bytes one after another, to be read at many places at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.batch.columns import BoolArray, IntArray

ByteArray: TypeAlias = NDArray[np.uint8]
WordArray: TypeAlias = NDArray[np.uint64]

HIGH: Final = np.uint64(0x8080808080808080)
"""The bit of each byte of a varint that says that more follow."""

_ONE: Final = np.uint64(1)
_SEVEN: Final = np.uint64(7)
_THREE: Final = np.uint8(3)
_ONE_BYTE: Final = np.uint8(1)
_GROUPS: Final = (
    (np.uint64(1), np.uint64(0x7F007F007F007F00), np.uint64(0x007F007F007F007F)),
    (np.uint64(2), np.uint64(0x3FFF00003FFF0000), np.uint64(0x00003FFF00003FFF)),
    (np.uint64(4), np.uint64(0x0FFFFFFF00000000), np.uint64(0x000000000FFFFFFF)),
)

CONSTANTS: Final = bytes((0, 0, 0, 1, 1, 0, 1, 1))
"""Stand behind the records, to be cut like them: null (one 0), and two booleans in each way."""


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """Bytes of records, and zeros behind them that a reader may run into."""

    data: bytes

    size: int
    """Bytes of all records: where CONSTANTS stand."""

    octets: ByteArray
    """(b,) the bytes."""

    words: WordArray
    """(b - 7,) the eight bytes from each place on, little-endian."""

    @classmethod
    def of(cls, records: list[bytes], slack: int) -> Buffer:
        """Put records one after another and at least `slack` zeros behind them."""
        data = b"".join([*records, CONSTANTS, bytes(slack + 8)])
        return cls(data, len(data) - len(CONSTANTS) - slack - 8, np.frombuffer(data, np.uint8), words(data))


def words(data: bytes | bytearray) -> WordArray:
    """Return the eight bytes from each place of `data` on, as a view."""
    return np.ndarray((len(data) - 7,), np.dtype("<u8"), data, strides=(1,))


def beyond(word: WordArray) -> WordArray:
    """Return which bits of each word a varint takes that begins with its low byte: all if it is longer than the word.

    But for the highest bit of its last byte, which is 0.
    """
    stop = ~word & HIGH
    return (stop & -stop) - _ONE


def octets(mask: WordArray) -> ByteArray:
    """Return how many bytes the varint has; 9 if it is longer than the word."""
    return (np.bitwise_count(mask) >> _THREE) + _ONE_BYTE


def padded(word: WordArray, mask: WordArray) -> BoolArray:
    """Tell whether a varint is longer than it must be: its last byte is 0, and not its only one."""
    last: BoolArray = (word & mask | _ONE) < ((mask + _ONE) >> _SEVEN)
    return last


def value(word: WordArray, mask: WordArray) -> WordArray:
    """Return what the varints of up to eight bytes hold, before zigzag is undone: pairs of groups of bits move up."""
    bits = word & mask & ~HIGH
    for shift, upper, lower in _GROUPS:
        bits = (bits & upper) >> shift | bits & lower
    return bits


def signed(bits: WordArray) -> IntArray:
    """Undo zigzag."""
    return (bits >> _ONE).view(np.int64) ^ -(bits & _ONE).view(np.int64)
