"""The cards of one partition: what the changelog has of them until they are touched (cold), and then their slots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from analyzer.batch.columns import IntArray
from analyzer.batch.store import CardStore

FEW: Final = 20
"""States that are read faster one by one. One more item of some of them costs as much as a fifth of it."""


class Shelf:
    """Cards by id. Their states are in a store that other partitions share; a card of theirs may have the same id."""

    def __init__(self, store: CardStore, partition: int) -> None:
        """Start empty."""
        self._store, self.partition = store, partition
        self._cold: dict[bytes, bytes] = {}
        self._slots: dict[bytes, int] = {}

    def __len__(self) -> int:
        """Return how many cards have a state."""
        return len(self._cold) + len(self._slots)

    def card_ids(self) -> Iterable[bytes]:
        """Return the cards that have a state, in no order."""
        return (*self._cold, *self._slots)

    def applied_offset(self, card_id: bytes) -> int:
        """Return the offset of the last record that a card's state contains; -1 for a card without one.

        Raises:
            BadRecordError: its bytes of the changelog are not a state.
        """
        slot, value = self._slots.get(card_id), self._cold.get(card_id)
        if slot is not None:
            return int(self._store.cards.applied_offset[slot])
        return -1 if value is None else self._store.codec.applied_offset(value)

    def value(self, card_id: bytes) -> bytes:
        """Return the framed bytes of a card that has a state; a cold one stays cold."""
        return self._store.encode(self._slots[card_id]) if card_id in self._slots else self._cold[card_id]

    def restore(self, card_id: bytes, value: bytes) -> None:
        """Take a card's state from the changelog; it stays as it is until the card is touched."""
        if card_id in self._slots:
            slot = self._slots[card_id]
            self._store.put(slot, self._store.codec.decode(value))
            self._store.cards.dirty[slot] = False
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
        window = None if value is None else self._store.codec.decode(value)
        slot = self._slots[card_id] = self._store.take(self.partition, card_id, window)
        self._cold.pop(card_id, None)
        return slot

    def slots(self, card_ids: Sequence[bytes]) -> IntArray:
        """Return the slot of each card, (n,); raises as `slot`."""
        found: list[Any] = list(map(self._slots.get, card_ids))
        if None in found:
            found = [
                self.slot(card_id) if slot is None else slot for card_id, slot in zip(card_ids, found, strict=True)
            ]
        return np.array(found, np.int64)

    def cold(self, card_ids: Sequence[bytes]) -> Iterable[bytes]:
        """Return those of some cards that are cold."""
        return filter(self._cold.__contains__, card_ids) if self._cold else ()

    def warmed(self, card_id: bytes, slot: int) -> None:
        """Take note that a cold card has a slot now."""
        self._slots[card_id] = slot
        del self._cold[card_id]

    def clear(self) -> None:
        """Forget all cards, and give their slots back."""
        self._store.free(self._slots.values())
        self._cold.clear()
        self._slots.clear()


def warm(store: CardStore, wanted: Iterable[tuple[Shelf, Sequence[bytes]]], few: int = FEW) -> None:
    """Make the cold ones of some shelves' cards warm, all at once if they are many.

    Raises:
        BadRecordError: what the changelog has of one is not a state; all stay cold then.
    """
    cold = list(dict.fromkeys((shelf, card_id) for shelf, card_ids in wanted for card_id in shelf.cold(card_ids)))
    if len(cold) <= few:
        return
    slots = store.take_cold(
        [shelf.partition for shelf, _ in cold],
        [card_id for _, card_id in cold],
        [shelf.value(card_id) for shelf, card_id in cold],
        few // 5,
    )
    for (shelf, card_id), slot in zip(cold, slots, strict=True):
        shelf.warmed(card_id, slot)
