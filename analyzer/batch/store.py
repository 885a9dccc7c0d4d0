"""The states of cards that were touched, of all partitions.

A card is kept in arrays by slot, or, if it has more of something than they are made for, as the window that the core
works with (apart). A slot is of one card in one partition; which one it has, the partition's shelf knows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from analyzer.batch.cards import Cards, OtherCountry, OtherDevice
from analyzer.batch.log import NOTHING, RecentLog
from analyzer.batch.pack import Packer
from analyzer.batch.thaw import thaw
from analyzer.batch.unpack import unpack
from analyzer.batch.windows import (
    countries_at,
    devices_at,
    entries_of,
    fits,
    habit_at,
    other_countries,
    other_devices,
    silence_at,
)
from analyzer.core.model import RecentTransaction
from analyzer.core.window import CardWindow, Flag
from analyzer.recent_codec import RecentCodec
from analyzer.wire import StateCodec


class CardStore:
    """States by slot: numbers from 0 that cards get as they are touched, used again once their partition is dropped."""

    def __init__(self, codec: StateCodec) -> None:
        """Start empty; `codec` reads and writes what the changelog holds."""
        self.codec, self._recent_codec = codec, RecentCodec()
        self.cards = Cards()
        self.log = RecentLog()
        self.countries: dict[int, tuple[OtherCountry, ...]] = {}
        self.devices: dict[int, tuple[OtherDevice, ...]] = {}
        """Those beside the first, oldest first."""

        self.flags: dict[int, tuple[Flag, ...]] = {}
        self.apart: dict[int, CardWindow] = {}
        self._ids: list[bytes] = []
        self._partitions: list[int] = []
        """By slot."""

        self._free: list[int] = []
        self._packer = Packer(
            codec.header,
            cards=self.cards,
            log=self.log,
            countries=self.countries,
            devices=self.devices,
            flags=self.flags,
        )

    def __len__(self) -> int:
        """Return how many slots are in use."""
        return len(self._ids) - len(self._free)

    def take(self, partition: int, card_id: bytes, window: CardWindow | None) -> int:
        """Return a slot for a card that has none yet; `window` is what the changelog has of it."""
        if self._free:
            slot = self._free.pop()
            self._ids[slot], self._partitions[slot] = card_id, partition
        else:
            slot = len(self._ids)
            self._ids.append(card_id)
            self._partitions.append(partition)
            self.cards.reserve(slot + 1)
        if window is not None:
            self.put(slot, window)
            self.cards.dirty[slot] = False
        return slot

    def take_cold(
        self, partitions: Sequence[int], card_ids: Sequence[bytes], values: Sequence[bytes], few: int
    ) -> list[int]:
        """Return slots for cards that have none yet.

        Args:
            partitions: of each card the one that its records come from.
            card_ids: n cards.
            values: what the changelog has of them.
            few: as for `unpack`.

        Raises:
            BadRecordError: one of them is not a state; no slot is taken then.
        """
        found = unpack(self.codec.header, values, few)
        windows = {at: self.codec.decode(values[at]) for at in np.flatnonzero(~found.plain).tolist()}
        each = enumerate(zip(partitions, card_ids, strict=True))
        slots = [self.take(partition, card_id, windows.get(at)) for at, (partition, card_id) in each]
        thaw(
            found,
            np.array(slots, np.int64),
            cards=self.cards,
            log=self.log,
            countries=self.countries,
            devices=self.devices,
            flags=self.flags,
        )
        return slots

    def free(self, slots: Collection[int]) -> None:
        """Take slots back, and forget what is in them."""
        at = np.fromiter(slots, np.int64, len(slots))
        self.log.free(self.log.walk(self.cards.newest[at]).entry)
        self.cards.renew(at)
        gone = set(slots)
        for held in (self.countries, self.devices, self.flags, self.apart):
            for slot in held.keys() & gone:
                del held[slot]
        for slot in slots:
            self._ids[slot] = b""
        self._free.extend(slots)

    def card_id(self, slot: int) -> bytes:
        """Return whose slot it is."""
        return self._ids[slot]

    def partition(self, slot: int) -> int:
        """Return which partition the card's records come from."""
        return self._partitions[slot]

    def window(self, slot: int) -> CardWindow:
        """Return exactly the window that the core would hold."""
        apart = self.apart.get(slot)
        if apart is not None:
            return apart
        cards = self.cards
        return CardWindow(
            int(cards.applied_offset[slot]),
            int(cards.judged[slot]),
            int(cards.flagged[slot]),
            int(cards.late[slot]),
            int(cards.duplicate[slot]),
            int(cards.sighted[slot]),
            habit_at(cards, slot),
            countries_at(cards, slot, self.countries.get(slot, ())),
            devices_at(cards, slot, self.devices.get(slot, ())),
            tuple(self.recent(entry) for entry in reversed(self.log.chain(int(cards.newest[slot])))),
            silence_at(cards, slot),
            self.flags.get(slot, ()),
        )

    def encode(self, slot: int) -> bytes:
        """Return the framed bytes of a state, which decode to exactly its window."""
        return self.encode_all([slot])[0]

    def encode_all(self, slots: Sequence[int]) -> list[bytes]:
        """Return the framed bytes of many states, which is much faster than one by one."""
        packed = self._packer.pack(np.array(slots, np.int64))
        for at, slot in enumerate(slots) if self.apart else ():
            if slot in self.apart:
                packed[at] = self.codec.encode(self.apart[slot])
        return packed

    def dirty(self) -> list[int]:
        """Return the slots that changed since they were last cleaned."""
        return np.flatnonzero(self.cards.dirty).tolist()

    def clean(self, slots: Sequence[int]) -> None:
        """Remember that these states are taken as they are now."""
        self.cards.dirty[np.array(slots, np.int64)] = False

    def recent(self, entry: int) -> RecentTransaction:
        """Return what an entry of the log remembers."""
        return self._recent_codec.decode(self.log.body[entry])

    def put(self, slot: int, window: CardWindow) -> None:
        """Replace the state of a card."""
        self._forget(slot)
        cards = self.cards
        cards.applied_offset[slot] = window.applied_offset
        cards.dirty[slot] = True
        if not fits(window):
            self.apart[slot] = window
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

    def skip(self, slot: int, offset: int, late: int, duplicate: int) -> None:
        """Count records of a card, the last one of which has an offset, that change nothing else of it."""
        cards = self.cards
        cards.late[slot] += late
        cards.duplicate[slot] += duplicate
        cards.applied_offset[slot] = max(offset, int(cards.applied_offset[slot]))
        cards.dirty[slot] = True

    def _put_names(self, slot: int, window: CardWindow) -> None:
        cards = self.cards
        countries, devices = other_countries(window), other_devices(window)
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
        entries = self.log.add(entries_of(recent, self._recent_codec))
        self.log.earlier[entries[0]] = NOTHING
        self.log.earlier[entries[1:]] = entries[:-1]
        cards = self.cards
        cards.newest[slot], cards.newest_ms[slot] = entries[-1], recent[-1].event_time_ms
        cards.remembered[slot] = len(recent)

    def _forget(self, slot: int) -> None:
        self.log.free(np.array(self.log.chain(int(self.cards.newest[slot])), np.int64))
        for held in (self.countries, self.devices, self.flags, self.apart):
            held.pop(slot, None)
        self.cards.renew(slot)
