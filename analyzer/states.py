"""The card states of the partitions that this worker has: settled as bytes, and ahead of that in memory.

A card's state belongs to the partition that its records came from: offsets of two partitions can't be compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from analyzer.core.window import CardWindow
from analyzer.wire import StateCodec

Place = tuple[int, str]
"""Partition and card id."""

_NEW: Final = CardWindow()


@dataclass(frozen=True, slots=True)
class Settled:
    """A card's newest state in the changelog."""

    applied_offset: int
    value: bytes

    outlived: bool = False
    """Whether the changelog goes on with an older one, which compaction would keep in its stead."""


class CardStates:
    """Card windows by partition and card."""

    def __init__(self, codec: StateCodec) -> None:
        """Start empty; `codec` reads and writes what the changelog holds."""
        self.codec = codec
        self._settled: dict[int, dict[str, Settled]] = defaultdict(dict)
        self._live: dict[Place, CardWindow] = {}

    def window(self, partition: int, card_id: str) -> CardWindow:
        """Return the newest window of a card; that of a new card if there is none."""
        live = self._live.get((partition, card_id))
        if live is not None:
            return live
        settled = self._settled[partition].get(card_id)
        return _NEW if settled is None else self.codec.decode(settled.value)

    def judged(self, partition: int, card_id: str, window: CardWindow) -> None:
        """Remember a window that is not settled yet."""
        self._live[partition, card_id] = window

    def settled(self, partition: int, card_id: str, window: CardWindow, value: bytes) -> None:
        """Remember that `window` is in the changelog as `value`."""
        self._settled[partition][card_id] = Settled(window.applied_offset, value)
        if self._live.get((partition, card_id)) is window:
            del self._live[partition, card_id]

    def restored(self, partition: int, card_id: str, value: bytes) -> None:
        """Take a state from the changelog, unless a newer one is here.

        A worker that was thought dead may have written an old state after its successor's newer one.

        Raises:
            BadRecordError: `value` is not a card state.
        """
        found, here = Settled(self.codec.applied_offset(value), value), self._settled[partition].get(card_id)
        older = here is not None and found.applied_offset < here.applied_offset
        self._settled[partition][card_id] = replace(here, outlived=True) if here and older else found

    def outlived(self) -> list[tuple[Place, bytes]]:
        """Return the states that must be written again, since an older one of their card follows them."""
        return [
            ((partition, card_id), settled.value)
            for partition, cards in self._settled.items()
            for card_id, settled in cards.items()
            if settled.outlived
        ]

    def written_again(self, place: Place) -> None:
        """Remember that the changelog goes on with the state of `place` as it is here."""
        partition, card_id = place
        self._settled[partition][card_id] = replace(self._settled[partition][card_id], outlived=False)

    def applied_offset(self, partition: int) -> int:
        """Return the highest offset of the partition that a card's state contains; -1 for none."""
        return max((card.applied_offset for card in self._settled[partition].values()), default=-1)

    def drop_unsettled(self) -> None:
        """Forget what is not settled: it will be judged again."""
        self._live.clear()

    def keep(self, partitions: Iterable[int]) -> None:
        """Forget all other partitions: they are another worker's now."""
        wanted = set(partitions)
        for partition in [one for one in self._settled if one not in wanted]:
            del self._settled[partition]

    def count(self) -> int:
        """Return how many cards are settled here."""
        return sum(len(cards) for cards in self._settled.values())
