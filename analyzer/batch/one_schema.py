"""Decodes records that were all written with one schema: the walk, the checks, and the columns made of both."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analyzer.batch.buffer import Buffer
from analyzer.batch.columns import BoolArray, Columns, FloatArray, IntArray
from analyzer.batch.cut import cut, slices
from analyzer.batch.plan import NULL, Plan
from analyzer.batch.shapes import letters
from analyzer.batch.text import all_text
from analyzer.batch.walk import Walk
from analyzer.core.model import Place, Transaction
from analyzer.wire import EARLIEST_MS, LARGEST_AMOUNT_MINOR, LATEST_MS

MOST_NORTH: Final = 90
MOST_EAST: Final = 180


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """n records after the walk."""

    plan: Plan
    buffer: Buffer
    walk: Walk
    heads: IntArray
    """(n,) where each record begins, with the bytes that name its schema."""

    texts: Mapping[str, tuple[IntArray, IntArray]]
    """By string field, where (n,) its first character stands, and where it ends."""

    def ends(self) -> IntArray:
        """Return where each record ends (n,)."""
        return np.append(self.heads[1:], self.buffer.size)

    def end(self, name: str) -> IntArray:
        """Return where a field ends (n,)."""
        return self.walk.bounds[self.plan.places[name] + 1]

    def present(self, name: str) -> BoolArray:
        """Return where an optional field is not null (n,)."""
        there = self.walk.present.get(name)
        return np.zeros(len(self.heads), np.bool_) if there is None else there

    def degrees(self, name: str) -> FloatArray:
        """Return latitude or longitude (n,), nan for null."""
        found = self.walk.doubles.get(name)
        return np.full(len(self.heads), np.nan) if found is None else found

    def piece(self, first: int, last: int) -> tuple[IntArray, IntArray]:
        """Return where some fields in a row begin and end (n,)."""
        if first == NULL:
            null = np.full(len(self.heads), self.buffer.size)
            return null, null + 1
        return self.walk.bounds[first], self.walk.bounds[last + 1]

    def sighting_head(self, at: int) -> bytes:
        """Return what a sighting says of a record up to its terminal."""
        places = [self.piece(*piece) for piece in self.plan.sighting]
        return b"".join([self.buffer.data[int(begin[at]) : int(end[at])] for begin, end in places])

    def terminal(self, at: int) -> bytes:
        """Return the terminal id of a record, or the merchant id of one without a terminal."""
        name = "terminalId" if self.present("terminalId")[at] else "merchantId"
        return self.buffer.data[int(self.walk.contents[name][at]) : int(self.end(name)[at])]

    def transaction(self, at: int) -> Transaction:
        """Return a record in full."""
        walk, text = self.walk, self._text
        return Transaction(
            text("transactionId", at),
            text("cardId", at),
            text("cardLastFour", at),
            text("userId", at),
            walk.numbers["eventTime"].item(at),
            walk.numbers["amountMinor"].item(at),
            text("currency", at),
            text("merchantId", at),
            text("merchantName", at),
            text("merchantCategory", at),
            self._optional("terminalId", at),
            self._optional("deviceId", at),
            text("country", at),
            self._place(at),
            bool(walk.flags["channel"].item(at)),
            bool(walk.flags["approved"].item(at)),
        )

    def _text(self, name: str, at: int) -> str:
        begin, end = self.texts[name]
        return self.buffer.data[begin.item(at) : end.item(at)].decode()

    def _optional(self, name: str, at: int) -> str | None:
        return self._text(name, at) if self.present(name)[at] else None

    def _place(self, at: int) -> Place | None:
        there, degrees = self.present("latitude"), self.walk.doubles
        return Place(degrees["latitude"].item(at), degrees["longitude"].item(at)) if there[at] else None


def walked(plan: Plan, buffer: Buffer, heads: IntArray, head_size: int) -> Walked:
    """Walk through the records of `buffer`."""
    walk = Walk(buffer, heads + head_size)
    for field in plan.fields:
        walk.step(field)
    walk.end()
    begins = walk.contents | {name: walk.bounds[plan.places[name]] + 1 for name in walk.shaped}
    texts = {name: (begin, walk.bounds[plan.places[name] + 1]) for name, begin in begins.items()}
    return Walked(plan, buffer, walk, heads, texts)


def columns(found: Walked, keys: Sequence[bytes | None], offsets: IntArray) -> Columns:
    """Return the records by columns: odd is what isn't without doubt a transaction of its key."""
    walk, data = found.walk, found.buffer.data
    good = walk.faultless & (walk.at == found.ends()) & _numbers_hold(found)
    good = all_text(found.buffer, walk, found.heads, good)
    cards = slices(data, walk.contents["cardId"] * good, found.end("cardId") * good)
    if cards != keys:
        good &= np.fromiter(map(operator.eq, cards, keys), np.bool_, len(cards))
        cards = [card if fine else b"" for card, fine in zip(cards, good.tolist(), strict=True)]
    amount = walk.numbers["amountMinor"] * good
    return Columns(
        offsets=offsets,
        odd=~good,
        card_ids=cards,
        transaction_ids=slices(data, walk.contents["transactionId"] * good, found.end("transactionId") * good),
        device_ids=_devices(found, good),
        event_time_ms=walk.numbers["eventTime"],
        amount_minor=amount,
        ln_amount=np.fromiter(map(math.log, (amount + 1.0).tolist()), np.float64, len(amount)),
        country=letters(walk.shaped["country"]),
        at_terminal=found.present("terminalId"),
        card_present=walk.flags["channel"].astype(np.bool_),
        approved=walk.flags["approved"].astype(np.bool_),
        has_place=found.present("latitude"),
        latitude=found.degrees("latitude"),
        longitude=found.degrees("longitude"),
        recent=_recent(found, good),
        sighting_head=found.sighting_head,
        terminal=found.terminal,
        transaction=found.transaction,
    )


def _numbers_hold(found: Walked) -> BoolArray:
    """Return whose (n,) time, amount and place can be a transaction's."""
    time, amount = found.walk.numbers["eventTime"], found.walk.numbers["amountMinor"]
    north, east = found.degrees("latitude"), found.degrees("longitude")
    there = found.present("latitude")
    with np.errstate(invalid="ignore"):  # of not-a-number
        on_earth = (np.abs(north) <= MOST_NORTH) & (np.abs(east) <= MOST_EAST)
    hold: BoolArray = (
        (time >= EARLIEST_MS)
        & (time < LATEST_MS)
        & (amount >= 0)
        & (amount <= LARGEST_AMOUNT_MINOR)
        & (there == found.present("longitude"))
        & (on_earth | ~there)
    )
    return hold


def _devices(found: Walked, good: BoolArray) -> list[bytes | None]:
    there = found.present("deviceId") & good
    devices: list[bytes | None] = [None] * len(good)
    if there.any():
        which = np.flatnonzero(there)
        begins, ends = found.walk.contents["deviceId"][which], found.end("deviceId")[which]
        for at, device in zip(which.tolist(), slices(found.buffer.data, begins, ends), strict=True):
            devices[at] = device
    return devices


def _recent(found: Walked, good: BoolArray) -> list[bytes]:
    pieces = [found.piece(*piece) for piece in found.plan.recent]
    flags = found.buffer.size + (2 * found.walk.flags["channel"] + found.walk.flags["approved"]) * np.int64(2)
    pieces.append((flags, flags + 2))
    begins, ends = [begin for begin, _ in pieces], [end for _, end in pieces]
    if not good.all():
        begins, ends = [begin * good for begin in begins], [end * good for end in ends]
    blob, ends_of = cut(found.buffer.octets, begins, ends)
    return slices(blob, np.concatenate(([0], ends_of[:-1])), ends_of)
