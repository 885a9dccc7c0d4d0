"""The card states of the partitions that this worker has: a store for each, kept up with the changelog."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from analyzer.batch.store import CardStore
from analyzer.ports import State
from analyzer.wire import StateCodec
from schemas.errors import BadRecordError, UserError


@dataclass(slots=True, eq=False)
class _Partition:
    """What is known of a partition."""

    store: CardStore
    applied_offset: int = -1
    """Highest offset that a state in the changelog contains."""

    outlived: set[bytes] = field(default_factory=set)
    """Cards of which the changelog goes on with an older state than the store's."""


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

    def __init__(self, codec: StateCodec) -> None:
        """Start empty; `codec` reads and writes what the changelog holds."""
        self._codec = codec
        self._partitions: dict[int, _Partition] = {}

    def store(self, partition: int) -> CardStore:
        """Return the states of a partition."""
        return self._of(partition).store

    def _of(self, partition: int) -> _Partition:
        known = self._partitions.get(partition)
        if known is None:
            known = self._partitions[partition] = _Partition(CardStore(self._codec))
        return known

    def restored(self, partition: int, key: bytes, value: bytes) -> None:
        """Take a state from the changelog, unless one that has applied more is here.

        Raises:
            BadRecordError, UnicodeDecodeError: it is not a state.
        """
        key.decode()
        known, offset = self._of(partition), self._codec.applied_offset(value)
        here = known.store.applied_offset(key)
        known.applied_offset = max(known.applied_offset, offset)
        if offset < here:
            known.outlived.add(key)
            return
        known.outlived.discard(key)
        if offset > here:
            known.store.restore(key, value)

    def snapshot(self) -> CardSnapshot:
        """Return the newest state of all that changed since the last snapshot.

        They are encoded now: the arrays move on with the next batch. It takes 2 to 4 us for each.
        """
        states: list[State] = []
        highest: list[tuple[_Partition, int]] = []
        for partition, known in self._partitions.items():
            slots = known.store.dirty()
            if slots:
                values = known.store.encode_all(slots)
                known.store.clean(slots)
                ids = map(known.store.card_id, slots)
                states += [State(partition, key, value) for key, value in zip(ids, values, strict=True)]
                highest.append((known, int(known.store.cards.applied_offset[slots].max())))
        return CardSnapshot(states, lambda: _applied(highest))

    def outlived(self) -> CardSnapshot:
        """Return the states that must be written again, since an older one of their card follows them."""
        states = [
            State(partition, key, known.store.value(key))
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
        self._partitions.pop(partition, None)

    def count(self) -> int:
        """Return how many states there are."""
        return sum(len(known.store) for known in self._partitions.values())


def _applied(highest: Iterable[tuple[_Partition, int]]) -> None:
    for known, offset in highest:
        known.applied_offset = max(known.applied_offset, offset)


def _written_again(written: Iterable[tuple[_Partition, set[bytes]]]) -> None:
    for known, keys in written:
        known.outlived -= keys


def unreadable(error: BadRecordError, changelog: str) -> UserError:
    """Return what a state that turns out to be none, once its card is used, means for the user."""
    return UserError(f"a state of {changelog} can't be read: {error}. Delete that topic and reset the group")
