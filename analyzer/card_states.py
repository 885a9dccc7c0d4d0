"""The card states of the partitions that this worker has: a shelf for each, kept up with the changelog."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from analyzer.batch.columns import IntArray
from analyzer.batch.shelf import FEW, Shelf, warm
from analyzer.batch.store import CardStore
from analyzer.ports import State
from analyzer.wire import StateCodec
from schemas.errors import BadRecordError, UserError


@dataclass(slots=True, eq=False)
class _Partition:
    """What is known of a partition."""

    shelf: Shelf
    applied_offset: int = -1
    """Highest offset that a state in the changelog contains."""

    outlived: set[bytes] = field(default_factory=set)
    """Cards of which the changelog goes on with an older state than the shelf's."""


@dataclass(frozen=True, slots=True)
class CardSnapshot:
    """States as they were, encoded."""

    states: Sequence[State]
    settle: Callable[[], object]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.states)

    def __iter__(self) -> Iterator[State]:
        """Return them."""
        return iter(self.states)

    def written(self) -> None:
        """Take note that all of them are in the changelog."""
        self.settle()


class CardStates:
    """States by partition and card, in arrays."""

    def __init__(self, codec: StateCodec, few: int = FEW) -> None:
        """Start empty.

        Args:
            codec: reads and writes what the changelog holds.
            few: so many cold cards at once are read one by one.
        """
        self._few = few
        self.store = CardStore(codec)
        self._partitions: dict[int, _Partition] = {}

    def slots(self, partition: int, card_ids: Sequence[bytes]) -> IntArray:
        """Return the slots in the store of cards of a partition, (n,); they are touched by that.

        Raises:
            BadRecordError: what the changelog has of one is not a state.
        """
        return self._of(partition).shelf.slots(card_ids)

    def warm(self, spans: Iterable[tuple[int, Sequence[bytes]]]) -> None:
        """Touch cards of some partitions, all cold ones at once, which is much faster; raises as `slots`."""
        warm(self.store, [(self._of(partition).shelf, card_ids) for partition, card_ids in spans], self._few)

    def _of(self, partition: int) -> _Partition:
        known = self._partitions.get(partition)
        if known is None:
            known = self._partitions[partition] = _Partition(Shelf(self.store, partition))
        return known

    def restored(self, partition: int, key: bytes, value: bytes) -> None:
        """Take a state from the changelog, unless one that has applied more is here.

        Raises:
            BadRecordError, UnicodeDecodeError: it is not a state.
        """
        key.decode()
        known, offset = self._of(partition), self.store.codec.applied_offset(value)
        here = known.shelf.applied_offset(key)
        known.applied_offset = max(known.applied_offset, offset)
        if offset < here:
            known.outlived.add(key)
            return
        known.outlived.discard(key)
        if offset > here:
            known.shelf.restore(key, value)

    def snapshot(self) -> CardSnapshot:
        """Return the newest state of all that changed since the last snapshot.

        They are encoded now: the arrays move on with the next batch. It takes 2 to 4 us for each,
        some 15 where many have flags and further devices.
        """
        slots = self.store.dirty()
        if not slots:
            return CardSnapshot((), lambda: None)
        values = self.store.encode_all(slots)
        self.store.clean(slots)
        partitions = [self.store.partition(slot) for slot in slots]
        states = list(map(State, partitions, map(self.store.card_id, slots), values))
        highest: dict[int, int] = {}
        for partition, offset in zip(partitions, self.store.cards.applied_offset[slots].tolist(), strict=True):
            highest[partition] = max(highest.get(partition, -1), offset)
        known = [(self._partitions[partition], offset) for partition, offset in highest.items()]
        return CardSnapshot(states, lambda: _applied(known))

    def outlived(self) -> CardSnapshot:
        """Return the states that must be written again, since an older one of their card follows them."""
        states = [
            State(partition, key, known.shelf.value(key))
            for partition, known in self._partitions.items()
            for key in sorted(known.outlived)
        ]
        written = [(known, set(known.outlived)) for known in self._partitions.values()]
        return CardSnapshot(states, lambda: _written_again(written))

    def applied_offset(self, partition: int) -> int:
        """Return the highest offset of the partition that a state in the changelog contains; -1 for none."""
        known = self._partitions.get(partition)
        return -1 if known is None else known.applied_offset

    def keep(self, partitions: Iterable[int]) -> None:
        """Forget all other partitions: they are another worker's now."""
        for partition in self._partitions.keys() - set(partitions):
            self.drop(partition)

    def drop(self, partition: int) -> None:
        """Forget a partition, also what is in a snapshot that is being written."""
        known = self._partitions.pop(partition, None)
        if known is not None:
            known.shelf.clear()

    def count(self) -> int:
        """Return how many states there are."""
        return sum(len(known.shelf) for known in self._partitions.values())


def _applied(highest: Iterable[tuple[_Partition, int]]) -> None:
    for known, offset in highest:
        known.applied_offset = max(known.applied_offset, offset)


def _written_again(written: Iterable[tuple[_Partition, set[bytes]]]) -> None:
    for known, keys in written:
        known.outlived -= keys


def unreadable(error: BadRecordError, changelog: str) -> UserError:
    """Return what a state that turns out to be none, once its card is used, means for the user."""
    return UserError(f"a state of {changelog} can't be read: {error}. Delete that topic and reset the group")
