"""The states of the partitions that this worker has, of cards or terminals: settled as bytes, ahead of that in memory.

A state belongs to the partition that its records came from: offsets of two partitions can't be compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Generic

from analyzer.window_codec import W, WindowCodec

Place = tuple[int, str]
"""Partition and card id, or terminal id."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The newest state of a card or terminal in the changelog."""

    applied_offset: int
    value: bytes

    outlived: bool = False
    """Whether the changelog goes on with an older one, which compaction would keep in its stead."""


class States(Generic[W]):
    """Windows by partition and key."""

    def __init__(self, codec: WindowCodec[W]) -> None:
        """Start empty; `codec` reads and writes what the changelog holds."""
        self.codec = codec
        self._settled: dict[int, dict[str, Settled]] = defaultdict(dict)
        self._live: dict[Place, W] = {}

    def window(self, partition: int, key: str) -> W:
        """Return the newest window of a key; that of a new one if there is none."""
        live = self._live.get((partition, key))
        if live is not None:
            return live
        settled = self._settled[partition].get(key)
        return self.codec.new if settled is None else self.codec.decode(settled.value)

    def judged(self, partition: int, key: str, window: W) -> None:
        """Remember a window that is not settled yet."""
        self._live[partition, key] = window

    def settled(self, partition: int, key: str, window: W, value: bytes) -> None:
        """Remember that `window` is in the changelog as `value`."""
        self._settled[partition][key] = Settled(window.applied_offset, value)
        if self._live.get((partition, key)) is window:
            del self._live[partition, key]

    def restored(self, partition: int, key: str, value: bytes) -> None:
        """Take a state from the changelog, unless a newer one is here.

        A worker that was thought dead may have written an old state after its successor's newer one.

        Raises:
            BadRecordError: `value` is not a state.
        """
        found, here = Settled(self.codec.applied_offset(value), value), self._settled[partition].get(key)
        older = here is not None and found.applied_offset < here.applied_offset
        self._settled[partition][key] = replace(here, outlived=True) if here and older else found

    def outlived(self) -> list[tuple[Place, bytes]]:
        """Return the states that must be written again, since an older one of their key follows them."""
        return [
            ((partition, key), settled.value)
            for partition, of_keys in self._settled.items()
            for key, settled in of_keys.items()
            if settled.outlived
        ]

    def written_again(self, place: Place) -> None:
        """Remember that the changelog goes on with the state of `place` as it is here."""
        partition, key = place
        self._settled[partition][key] = replace(self._settled[partition][key], outlived=False)

    def applied_offset(self, partition: int) -> int:
        """Return the highest offset of the partition that a state contains; -1 for none."""
        return max((one.applied_offset for one in self._settled[partition].values()), default=-1)

    def drop_unsettled(self) -> None:
        """Forget what is not settled: it will be judged again."""
        self._live.clear()

    def keep(self, partitions: Iterable[int]) -> None:
        """Forget all other partitions: they are another worker's now."""
        wanted = set(partitions)
        for partition in [one for one in self._settled if one not in wanted]:
            del self._settled[partition]

    def count(self) -> int:
        """Return how many states are settled here."""
        return sum(len(of_keys) for of_keys in self._settled.values())
