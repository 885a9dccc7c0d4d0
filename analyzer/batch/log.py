"""What cards remember of their transactions: entries in arrays, each linked to the one before it.

Entries that no card remembers any more are used again, so memory follows what is remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.batch.columns import BoolArray, Columns, FloatArray, IntArray

AnyInts: TypeAlias = NDArray[np.signedinteger[Any]]
NOTHING: Final = -1
"""In place of an entry: there is none."""

APPROVED: Final = 1
PRESENT: Final = 2
PLACED: Final = 4
"""Bits of an entry: the issuer approved it, the card was at a terminal, its place is known."""


class Fresh(NamedTuple):
    """Columns of n transactions that become entries."""

    event_time_ms: IntArray
    amount_minor: IntArray
    latitude: FloatArray
    longitude: FloatArray
    bits: NDArray[np.uint8]
    id_hash: IntArray
    body: NDArray[np.object_]


class Steps(NamedTuple):
    """Pairs of a walk and an entry that it came by: of each walk the newest entry first."""

    walk: IntArray
    """(p,) index of the walk."""

    entry: IntArray
    """(p,)"""


class RecentLog:
    """Arrays by entry; what they hold of a free entry means nothing."""

    def __init__(self, capacity: int = 1024) -> None:
        """Start with room for `capacity` entries, all free."""
        self.event_time_ms: IntArray = np.zeros(0, np.int64)
        self.amount_minor: IntArray = np.zeros(0, np.int64)
        self.id_hash: IntArray = np.zeros(0, np.int64)
        """Python's hash of the transaction id's UTF-8."""

        self.latitude = np.zeros(0, np.float32)
        self.longitude = np.zeros(0, np.float32)
        """Degrees, to a metre or two: enough to see what must be computed exactly."""

        self.bits = np.zeros(0, np.uint8)
        self.earlier = np.zeros(0, np.int32)
        """The card's entry before this one, in event time and then in order of arrival; `NOTHING` at its oldest."""

        self.body = np.zeros(0, object)
        """Avro bodies (bytes): items of `recent` in card_state.avsc."""

        self._free = np.zeros(0, np.int32)
        self._free_count = 0
        self._grow(capacity)

    @property
    def used(self) -> int:
        """How many entries are remembered."""
        return len(self.earlier) - self._free_count

    def add(self, fresh: Fresh) -> IntArray:
        """Return the entries that n transactions became, (n,); they are not linked yet."""
        entries = self._take(len(fresh.body))
        self.event_time_ms[entries] = fresh.event_time_ms
        self.amount_minor[entries] = fresh.amount_minor
        self.latitude[entries] = fresh.latitude
        self.longitude[entries] = fresh.longitude
        self.bits[entries] = fresh.bits
        self.id_hash[entries] = fresh.id_hash
        self.body[entries] = fresh.body
        return entries

    def free(self, entries: IntArray) -> None:
        """Take entries back; nothing may be linked to them any more."""
        end = self._free_count + len(entries)
        self._free[self._free_count : end] = entries
        self._free_count = end
        self.body[entries] = None

    def walk(self, newest: AnyInts, after_ms: IntArray | None = None) -> Steps:
        """Go from the entry `newest` of each walk to earlier ones, down to the last that is newer than `after_ms`."""
        walk = np.flatnonzero(newest != NOTHING)
        entry: AnyInts = newest[walk]
        walks, entries = [walk[:0]], [entry[:0]]
        while len(walk):
            if after_ms is not None:
                on = self.event_time_ms[entry] > after_ms[walk]
                walk, entry = walk[on], entry[on]
            walks.append(walk)
            entries.append(entry)
            entry = self.earlier[entry]
            on = entry != NOTHING
            walk, entry = walk[on], entry[on]
        return Steps(np.concatenate(walks), np.concatenate(entries).astype(np.int64))

    def chain(self, entry: int) -> list[int]:
        """Return an entry and those before it of its card, the newest first."""
        found = []
        while entry != NOTHING:
            found.append(entry)
            entry = int(self.earlier[entry])
        return found

    def _take(self, count: int) -> IntArray:
        while self._free_count < count:
            self._grow(len(self.earlier) // 2)
        self._free_count -= count
        return self._free[self._free_count : self._free_count + count].astype(np.int64)

    def _grow(self, more: int) -> None:
        held = len(self.earlier)
        for name in (
            *("event_time_ms", "amount_minor", "id_hash", "latitude", "longitude", "bits", "earlier", "body"),
            "_free",
        ):
            array = getattr(self, name)
            setattr(self, name, np.concatenate([array, np.zeros(more, array.dtype)]))
        self.body[held:] = None
        self._free[self._free_count : self._free_count + more] = np.arange(held + more - 1, held - 1, -1)
        self._free_count += more


def fresh_of(columns: Columns, id_hash: IntArray, at: IntArray) -> Fresh:
    """Return what becomes entries of the transactions at the indices `at` of a batch; `id_hash`, (n,), of all of it."""
    bits = (
        columns.approved[at] * np.uint8(APPROVED)
        + columns.card_present[at] * np.uint8(PRESENT)
        + columns.has_place[at] * np.uint8(PLACED)
    )
    return Fresh(
        columns.event_time_ms[at],
        columns.amount_minor[at],
        columns.latitude[at],
        columns.longitude[at],
        bits,
        id_hash[at],
        objects(columns.recent)[at],
    )


def objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """Return values as they are in an array, (n,)."""
    array = np.empty(len(values), np.object_)
    array[:] = values
    return array


def has(bits: NDArray[np.uint8], wanted: int) -> BoolArray:
    """Tell of each entry whether it has all the bits `wanted`."""
    found: BoolArray = (bits & wanted) == wanted
    return found
