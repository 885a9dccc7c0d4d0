"""Records that need no judging, or must wait: what is older than its card's newest, or just as old and the same again.

Most of them are too late, or of a transaction that is remembered already: they move counters on, and the card's other
records go together. One that is in time must find its place among what is remembered. It is left to the core, with
all of its card that come after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from analyzer.batch.columns import BoolArray, IntArray
from analyzer.batch.outcome import Kind
from analyzer.batch.pack import text
from analyzer.batch.rows import Rows
from analyzer.batch.work import Skip, Work
from analyzer.core.window import LONGEST_WINDOW_MS

LATEST_MS: Final = 2**42
"""Above all event times; so many milliseconds are between cards where they stand on one axis."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """The records of some cards, in three parts."""

    together: Rows
    """Those that are in order."""

    later: dict[int, IntArray] = field(default_factory=dict)
    """By slot, the indices of those that the core judges when its card's others are judged."""


def sort_out(rows: Rows, work: Work, allowed_lateness_ms: int) -> Sorted:
    """Tell which records can be judged together, and put down in `work` which ones only count.

    None may be odd, and no card so full that it forgets more than what is too old.
    """
    time, newest_ms = _newest_before(rows, work)
    doubtful = time <= newest_ms
    cards = np.unique(rows.card[doubtful])
    if not len(cards):
        return Sorted(rows)
    kept, later = np.ones(len(rows), np.bool_), dict[int, IntArray]()
    for card in cards.tolist():
        begin, end = int(rows.starts[card]), int(rows.starts[card] + rows.counts[card])
        one = _Card(rows, work, int(rows.slots[card]), time[begin:end].tolist(), begin, allowed_lateness_ms)
        stop = one.sort_out(doubtful, newest_ms, kept)
        if stop < end:
            kept[stop:end] = False
            later[one.slot] = rows.at[stop:end]
    return Sorted(rows.only(kept), later)


def _newest_before(rows: Rows, work: Work) -> tuple[IntArray, IntArray]:
    """Return each record's time, (n,), and the newest of its card before it.

    What is set aside is no newer than that; so it makes no difference that it counts here.
    """
    newest = work.store.cards.newest_ms[rows.slots]
    time = work.columns.event_time_ms[rows.at]
    base = rows.card * LATEST_MS
    highest = time + base
    highest[rows.starts] = np.maximum(highest[rows.starts], newest + base[rows.starts])
    return time, rows.shifted(np.maximum.accumulate(highest) - base, newest)


@dataclass(slots=True)
class _Card:
    """A card that has records to set aside."""

    rows: Rows
    work: Work
    slot: int
    time: list[int]
    """Of each of its records."""

    begin: int
    """Row of its first."""

    allowed_lateness_ms: int
    kept: list[int] = field(default_factory=list)
    """Rows of those that are judged together."""

    def sort_out(self, doubtful: BoolArray, newest_ms: IntArray, kept: BoolArray) -> int:
        """Take those that only count out of what is `kept`, (n,); return the row from which on all must wait."""
        for row, time in enumerate(self.time, start=self.begin):
            behind_ms = int(newest_ms[row]) - time
            kind = self._kind(row, behind_ms) if doubtful[row] else Kind.JUDGED
            if kind is None:
                return row
            if kind is Kind.JUDGED:
                self.kept.append(row)
                continue
            kept[row] = False
            place = int(self.rows.at[row])
            skip = Skip(place, int(self.work.columns.offsets[place]), kind, behind_ms)
            self.work.skips.setdefault(self.slot, []).append(skip)
        return self.begin + len(self.time)

    def _kind(self, row: int, behind_ms: int) -> Kind | None:
        """Return what a record is that is not newer than its card's newest; None if it is out of order, but in time."""
        if self._remembers(row):
            return Kind.DUPLICATE
        if behind_ms > self.allowed_lateness_ms:
            return Kind.LATE
        return None if behind_ms else Kind.JUDGED

    def _remembers(self, row: int) -> bool:
        """Tell whether the card remembers the transaction of a record, when it comes."""
        name = self.work.columns.transaction_ids[int(self.rows.at[row])]
        if not self.kept:
            return any(body.startswith(text(name)) for body in self._bodies(row))
        oldest_ms = self.time[self.kept[-1] - self.begin] - LONGEST_WINDOW_MS - self.allowed_lateness_ms
        ids = self.work.columns.transaction_ids
        for known in self.kept:
            if ids[int(self.rows.at[known])] == name and self.time[known - self.begin] > oldest_ms:
                return True
        return any(body.startswith(text(name)) for body in self._bodies(row, oldest_ms))

    def _bodies(self, row: int, after_ms: int = -1) -> Iterator[bytes]:
        """Yield what the card remembers from before the batch that may be of the transaction of a record."""
        log, wanted = self.work.store.log, int(self.work.id_hash[int(self.rows.at[row])])
        for entry in log.chain(int(self.work.store.cards.newest[self.slot])):
            if log.id_hash[entry] == wanted and log.event_time_ms[entry] > after_ms:
                yield log.body[entry]
