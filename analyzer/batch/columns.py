"""A batch of transactions by columns: what the batch judge needs of each, as arrays and slices of bytes.

No string is made of bytes on this way, but for what the core is asked about: ids are compared, stored and written on as
the UTF-8 that came in.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.core.model import Transaction

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
CodeArray: TypeAlias = NDArray[np.uint16]

_TAIL: Final = struct.Struct("<dd?")


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A batch of n transactions, each partition's in the order of their offsets.

    Where `odd` is False the scalar reader gives exactly these values. Where it is True nothing else here but the
    offset means anything.
    """

    offsets: IntArray
    """(n,) of each record in its partition."""

    odd: BoolArray
    """(n,) left to the scalar reader, for whatever reason: it gives the transaction, or says what is wrong."""

    card_ids: list[bytes]
    """n, UTF-8; empty where odd."""

    transaction_ids: list[bytes]
    """n, UTF-8; empty where odd."""

    device_ids: list[bytes | None]
    """n, UTF-8; None for none."""

    event_time_ms: IntArray
    """(n,) since 1970, UTC."""

    amount_minor: IntArray
    """(n,) minor units of the currency."""

    ln_amount: FloatArray
    """(n,) exactly `math.log(amount_minor + 1)`, which numpy's logarithm may miss by the last bit."""

    country: CodeArray
    """(n,) two ASCII letters, the first in the high byte."""

    at_terminal: BoolArray
    """(n,) whether there is a terminal id."""

    card_present: BoolArray
    """(n,)"""

    approved: BoolArray
    """(n,)"""

    has_place: BoolArray
    """(n,) whether latitude and longitude are known."""

    latitude: FloatArray
    """(n,) degrees north; nan where there is no place."""

    longitude: FloatArray
    """(n,) degrees east; nan where there is no place."""

    recent: list[bytes]
    """n, each the Avro body of a RecentTransaction (an item of `recent` in card_state.avsc); empty where odd."""

    sighting_head: Callable[[int], bytes]
    """Returns the Avro body of the sighting of the i-th record up to its terminal id."""

    terminal: Callable[[int], bytes]
    """Returns the terminal id of the i-th record, UTF-8, or the merchant id of one without a terminal."""

    transaction: Callable[[int], Transaction]
    """Returns the i-th record, which isn't odd, as the scalar reader would."""

    def __len__(self) -> int:
        return len(self.card_ids)

    def sighting(self, at: int, amount_z: float, score: float, *, flagged: bool) -> bytes:
        """Return the Avro body of sighting.avsc, without framing, of the record at index `at`.

        Args:
            at: index of the record, which isn't odd.
            amount_z: standard deviations of ln(amount) above the card's mean.
            score: what the card's rules say, 0 to 1.
            flagged: whether they flagged it.
        """
        return self.sighting_head(at) + _TAIL.pack(amount_z, score, flagged)


def country_code(country: str) -> int:
    """Return two letters as they stand in `Columns.country`."""
    first, second = country.encode("ascii")
    return first << 8 | second


def country_name(code: int) -> str:
    """Return the two letters of a code in `Columns.country`."""
    return chr(code >> 8) + chr(code & 0xFF)
