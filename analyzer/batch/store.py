"""The card states of one partition.

A card is kept in one of three ways: as the bytes of the changelog until it is touched (cold), in arrays by slot, or,
if it has more of something than they are made for, as the window that the core works with (apart).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any, Final

import fastavro
import numpy as np

from analyzer.batch.cards import NEVER, Cards, OtherCountry, OtherDevice
from analyzer.batch.columns import IntArray, country_code
from analyzer.batch.log import APPROVED, NOTHING, PLACED, PRESENT, Fresh, RecentLog, objects
from analyzer.batch.pack import Packer
from analyzer.core.model import RecentTransaction
from analyzer.core.window import CardWindow, Flag
from analyzer.wire import StateCodec, recent_of, recent_record
from schemas.codec import definition, without_logical_types

MOST_REMEMBERED: Final = 48
MOST_NAMES: Final = 32
"""Transactions, and countries or devices, of a card that is kept in arrays; one with more is kept apart."""
_LARGEST: Final = 2**31 - 1


class CardStore:
    """States by slot: numbers from 0 that cards get as they are touched."""

    def __init__(self, codec: StateCodec) -> None:
        """Start empty; `codec` reads and writes what the changelog holds."""
        self._codec = codec
        self.cards = Cards()
        self.log = RecentLog()
        self.countries: dict[int, tuple[OtherCountry, ...]] = {}
        self.devices: dict[int, tuple[OtherDevice, ...]] = {}
        """Those beside the first, oldest first."""

        self.flags: dict[int, tuple[Flag, ...]] = {}
        self._cold: dict[bytes, bytes] = {}
        self._slots: dict[bytes, int] = {}
        self._ids: list[bytes] = []
        self._apart: dict[int, CardWindow] = {}
        self._packer = Packer(codec.header, self.cards, self.log, self.countries, self.devices, self.flags)
        self._item = _recent_schema()

    def __len__(self) -> int:
        """Return how many cards have a state."""
        return len(self._cold) + len(self._slots)

    def card_ids(self) -> Iterable[bytes]:
        """Return the cards that have a state, in no order."""
        return (*self._cold, *self._slots)

    def restore(self, card_id: bytes, value: bytes) -> None:
        """Take a card's state from the changelog; it stays as it is until the card is touched."""
        if card_id in self._slots:
            slot = self._slots[card_id]
            self.put(slot, self._codec.decode(value))
            self.cards.dirty[slot] = False
        else:
            self._cold[card_id] = value

    def slot(self, card_id: bytes) -> int:
        """Return the slot of a card, which is warm then; a card that there wasn't is made.

        Raises:
            BadRecordError: its bytes of the changelog are not a state.
        """
        slot = self._slots.get(card_id)
        if slot is not None:
            return slot
        value = self._cold.get(card_id)
        window = None if value is None else self._codec.decode(value)
        slot = self._slots[card_id] = len(self._ids)
        self._ids.append(card_id)
        self.cards.reserve(slot + 1)
        if window is not None:
            self.put(slot, window)
            self.cards.dirty[slot] = False
            del self._cold[card_id]
        return slot

    def slots(self, card_ids: Sequence[bytes]) -> IntArray:
        """Return the slot of each card, (n,); raises as `slot`."""
        found: list[Any] = list(map(self._slots.get, card_ids))
        if None in found:
            found = [self.slot(card_id) if slot is None else slot for card_id, slot in zip(card_ids, found, strict=True)]
        return np.array(found, np.int64)

    def card_id(self, slot: int) -> bytes:
        """Return whose slot it is."""
        return self._ids[slot]

    def window(self, slot: int) -> CardWindow:
        """Return exactly the window that the core would hold."""
        return self._apart.get(slot) or self._codec.decode(self.encode(slot))

    def encode(self, slot: int) -> bytes:
        """Return the framed bytes of a state, which decode to exactly its window."""
        return self.encode_all([slot])[0]

    def encode_all(self, slots: Sequence[int]) -> list[bytes]:
        """Return the framed bytes of many states, which is much faster than one by one."""
        packed = self._packer.pack(np.array(slots, np.int64))
        for at, slot in enumerate(slots) if self._apart else ():
            if slot in self._apart:
                packed[at] = self._codec.encode(self._apart[slot])
        return packed

    def dirty(self) -> list[int]:
        """Return the slots that changed since they were last cleaned."""
        return np.flatnonzero(self.cards.dirty).tolist()

    def clean(self, slots: Sequence[int]) -> None:
        """Remember that these states are taken as they are now."""
        self.cards.dirty[np.array(slots, np.int64)] = False

    def recent(self, entry: int) -> RecentTransaction:
        """Return what an entry of the log remembers."""
        return recent_of(_record(self.log.body[entry], self._item))

    def put(self, slot: int, window: CardWindow) -> None:
        """Replace the state of a card."""
        self._forget(slot)
        cards = self.cards
        cards.applied_offset[slot] = window.applied_offset
        cards.dirty[slot] = True
        if not _fits(window):
            self._apart[slot] = window
            cards.apart[slot] = True
            return
        cards.judged[slot], cards.flagged[slot], cards.sighted[slot] = window.judged, window.flagged, window.sighted
        cards.late[slot], cards.duplicate[slot] = window.late, window.duplicate
        cards.count[slot], cards.mean[slot], cards.m2[slot] = window.habit.count, window.habit.mean, window.habit.m2
        if window.silence:
            cards.silence_from_ms[slot], cards.silence_until_ms[slot] = window.silence
        if window.flags:
            self.flags[slot] = window.flags
        self._put_names(slot, window)
        self._put_recent(slot, window.recent)

    def _put_names(self, slot: int, window: CardWindow) -> None:
        cards = self.cards
        countries = tuple(OtherCountry(country_code(one.name), one.since_ms) for one in window.countries)
        devices = tuple(
            OtherDevice(one.name.encode(), one.since_ms, one.habit.count, one.habit.mean, one.habit.m2)
            for one in window.devices
        )
        if countries:
            cards.country[slot], cards.country_since_ms[slot] = countries[0]
        if devices:
            cards.device[slot], cards.device_since_ms[slot], cards.device_count[slot] = devices[0][:3]
            cards.device_mean[slot], cards.device_m2[slot] = devices[0][3:]
        if countries[1:]:
            self.countries[slot] = countries[1:]
        if devices[1:]:
            self.devices[slot] = devices[1:]
        cards.others[slot] = max(len(countries), len(devices), 1) - 1

    def _put_recent(self, slot: int, recent: tuple[RecentTransaction, ...]) -> None:
        if not recent:
            return
        entries = self.log.add(_fresh(recent, self._item))
        self.log.earlier[entries[0]] = NOTHING
        self.log.earlier[entries[1:]] = entries[:-1]
        cards = self.cards
        cards.newest[slot], cards.newest_ms[slot] = entries[-1], recent[-1].event_time_ms
        cards.remembered[slot] = len(recent)

    def _forget(self, slot: int) -> None:
        self.log.free(self.log.walk(self.cards.newest[[slot]]).entry)
        for held in (self.countries, self.devices, self.flags, self._apart):
            held.pop(slot, None)  # type: ignore[attr-defined]  # each is a dict by slot
        self.cards.renew(slot)


def _fits(window: CardWindow) -> bool:
    counts = (window.judged, window.flagged, window.late, window.duplicate, window.sighted, window.habit.count)
    since = [*(one.since_ms for one in window.countries), *(one.since_ms for one in window.devices)]
    return (
        len(window.recent) <= MOST_REMEMBERED
        and max(len(window.countries), len(window.devices)) <= MOST_NAMES
        and all(0 <= count <= _LARGEST for count in (*counts, *(one.habit.count for one in window.devices)))
        and all(one.name.isascii() and len(one.name) == len("DE") for one in window.countries)
        and all(ms > NEVER for ms in (*since, *(window.silence or ()), *(one.event_time_ms for one in window.recent)))
        and all(ms > NEVER for ms in (one.event_time_ms for one in window.flags))
        and window.applied_offset >= -1
    )


def _fresh(recent: tuple[RecentTransaction, ...], item: Any) -> Fresh:
    places = [one.place for one in recent]
    bits = [
        one.approved * APPROVED + one.card_present * PRESENT + (one.place is not None) * PLACED for one in recent
    ]
    return Fresh(
        np.array([one.event_time_ms for one in recent], np.int64),
        np.array([one.amount_minor for one in recent], np.int64),
        np.array([place.latitude if place else 0.0 for place in places]),
        np.array([place.longitude if place else 0.0 for place in places]),
        np.array(bits, np.uint8),
        np.array([hash(one.transaction_id.encode()) for one in recent], np.int64),
        objects([_body(recent_record(one), item) for one in recent]),
    )


def _recent_schema() -> Any:
    state = json.loads(definition("card_state"))
    item = next(field["type"]["items"] for field in state["fields"] if field["name"] == "recent")
    return fastavro.parse_schema(without_logical_types(item))


def _body(record: dict[str, Any], schema: Any) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, schema, record)
    return out.getvalue()


def _record(body: bytes, schema: Any) -> Any:
    return fastavro.schemaless_reader(BytesIO(body), schema, None)
