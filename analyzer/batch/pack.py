"""Card states as bytes of card_state.avsc, put together by hand from the arrays: several times as fast as by fastavro.

Every field stands here in the order of the schema; a test decodes what this writes with fastavro.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from analyzer.batch.cards import NEVER, Cards, OtherCountry, OtherDevice
from analyzer.batch.columns import IntArray
from analyzer.batch.log import RecentLog
from analyzer.core.window import Flag

_DOUBLES: Final = struct.Struct("<dd")
_COUNTERS: Final = ("applied_offset", "judged", "flagged", "late", "duplicate", "sighted", "count")
_END: Final = b"\x00"


def whole(number: int) -> bytes:
    """Return a whole number from -1 to 2**61 as Avro's long: zigzag, seven bits a byte, the lowest first."""
    left = number << 1 if number >= 0 else 1
    out = bytearray()
    while left > 0x7F:  # noqa: PLR2004 - seven bits
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def wholes(numbers: NDArray[np.integer[Any]]) -> list[bytes]:
    """Return whole numbers of the same range as longs, all at once."""
    if len(numbers) < _FEW:
        return [whole(number) for number in numbers.tolist()]
    left = np.where(numbers >= 0, numbers.astype(np.int64) << 1, 1)
    length = -(-int(left.max()).bit_length() // 7) or 1
    septets = np.empty((len(numbers), length), np.uint8)
    for at in range(length):
        rest = left >> 7
        septets[:, at] = (left & 0x7F) | (rest > 0) << 7
        left = rest
    # As text of numpy's, the zeros after the last byte fall off; that byte is none, but of the number 0.
    return [one or _ZERO for one in septets.view(f"S{length}").ravel().tolist()]


_FEW: Final = 16
"""Numbers that are written faster one by one."""
_ZERO: Final = b"\x00"
_ONE: Final = b"\x02"
SMALL: Final = tuple(whole(number) for number in range(256))


def text(value: bytes) -> bytes:
    """Return UTF-8 as Avro's string."""
    return (SMALL[len(value)] if len(value) < len(SMALL) else whole(len(value))) + value


_kept = lru_cache(maxsize=32_768)(whole)
"""What stays as it is in a state is written again with it, every second."""


@lru_cache(maxsize=1024)
def _country(code: int) -> bytes:
    return text(bytes((code >> 8, code & 0xFF)))


def _array(items: Sequence[bytes]) -> bytes:
    return b"".join((SMALL[len(items)], *items, _END)) if items else _END


class Packer:
    """Writes states of a store's arrays."""

    def __init__(
        self,
        header: bytes,
        *,
        cards: Cards,
        log: RecentLog,
        countries: Mapping[int, tuple[OtherCountry, ...]],
        devices: Mapping[int, tuple[OtherDevice, ...]],
        flags: Mapping[int, tuple[Flag, ...]],
    ) -> None:
        """Write the framing `header` and what the others hold by slot."""
        self._header, self._cards, self._log = header, cards, log
        self._countries, self._devices, self._flags = countries, devices, flags

    def pack(self, slots: IntArray) -> list[bytes]:
        """Return the framed states of n cards."""
        of_slots = slots.tolist()
        counters = (self._wholes(slots, name) for name in _COUNTERS)
        countries, countries_since = self._countries_of(slots, of_slots)
        devices, devices_since = self._devices_of(slots, of_slots)
        fields = (
            *counters,
            self._doubles(slots, "mean", "m2"),
            *(countries, devices, self._recent_of(slots), countries_since, devices_since),
            self._silences_of(slots),
            [_array([_flag(one) for one in self._flags.get(slot, ())]) for slot in of_slots],
        )
        header = self._header
        return [b"".join((header, *state)) for state in zip(*fields, strict=True)]

    def _wholes(self, slots: IntArray, name: str) -> list[bytes]:
        return wholes(getattr(self._cards, name)[slots])

    def _doubles(self, slots: IntArray, *names: str) -> list[bytes]:
        values = np.stack([getattr(self._cards, name)[slots] for name in names], axis=1).astype("<f8")
        packed: list[bytes] = values.view(f"V{8 * len(names)}").ravel().tolist()
        return packed

    def _recent_of(self, slots: IntArray) -> list[bytes]:
        """Return the field recent."""
        log = self._log
        walk, entry = log.walk(self._cards.newest[slots])
        order = np.argsort(walk[::-1], kind="stable")  # by card, its oldest first
        bodies = log.body[entry[::-1][order]].tolist()
        ends = np.cumsum(np.bincount(walk, minlength=len(slots))).tolist()
        return [_array(bodies[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]

    def _countries_of(self, slots: IntArray, of_slots: list[int]) -> tuple[list[bytes], list[bytes]]:
        """Return the fields countries and countriesSince."""
        codes, since = self._cards.country[slots].tolist(), self._wholes(slots, "country_since_ms")
        names = [_ONE + _country(code) + _END if code else _END for code in codes]
        times = [_ONE + one + _END if code else _END for one, code in zip(since, codes, strict=True)]
        for at, slot in enumerate(of_slots) if self._countries else ():
            others = self._countries.get(slot)
            if others:
                names[at] = _array([_country(codes[at]), *(_country(one.code) for one in others)])
                times[at] = _array([since[at], *(_kept(one.since_ms) for one in others)])
        return names, times

    def _devices_of(self, slots: IntArray, of_slots: list[int]) -> tuple[list[bytes], list[bytes]]:
        """Return the field devices, and the fields devicesSince and devicesAmounts."""
        firsts = self._cards.device[slots].tolist()
        since, counts = self._wholes(slots, "device_since_ms"), self._wholes(slots, "device_count")
        amounts = self._doubles(slots, "device_mean", "device_m2")
        names, rest = [_END] * len(slots), [_END + _END] * len(slots)
        for at, (slot, first) in enumerate(zip(of_slots, firsts, strict=True)):
            if first is None:
                continue
            others = self._devices.get(slot, ())
            size = SMALL[1 + len(others)]
            names[at] = b"".join((size, text(first), *(text(one.name) for one in others), _END))
            times = (since[at], *(_kept(one.since_ms) for one in others))
            bought = (counts[at], amounts[at], *(_kept(one.uses) + _DOUBLES.pack(one.mean, one.m2) for one in others))
            rest[at] = b"".join((size, *times, _END, size, *bought, _END))
        return names, rest

    def _silences_of(self, slots: IntArray) -> list[bytes]:
        """Return the field silence."""
        known = (self._cards.silence_until_ms[slots] != NEVER).tolist()
        spans = zip(self._wholes(slots, "silence_from_ms"), self._wholes(slots, "silence_until_ms"), strict=True)
        return [
            _ONE + from_ms + until_ms if some else _ZERO for some, (from_ms, until_ms) in zip(known, spans, strict=True)
        ]


@lru_cache(maxsize=32_768)  # some 16 MB: a card's flags are written again with each of its states
def _flag(one: Flag) -> bytes:
    device = _ZERO if one.device_id is None else _ONE + text(one.device_id.encode())
    return text(one.transaction_id.encode()) + whole(one.event_time_ms) + device + text(one.country.encode())
