"""What goes through the shell: batches in, records out, states kept. What does it is a stage's desk.

    transport ─► Batch ─► worker ─► Analyst ─► Desk.read, Desk.judge ─► Outgoing ─► Settler
                                                       │                               │
                                                    States ◄── snapshot, written ──────┘
                                                       ▲
                                                 Restorer: restored, keep, drop

A desk moves its states on as it judges, in one step without an await. The settler sends what a batch has to tell at
once; about every second it takes a snapshot of the states, waits until all that was told before is acknowledged, and
writes the snapshot. So a state in the changelog never runs ahead of what was told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from schemas.dead_letter import Header


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record as it was read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int | None = None
    """Of the record itself, wall clock since 1970."""


@dataclass(frozen=True, slots=True)
class Batch:
    """n records of one partition as they were fetched, by columns, their offsets ascending; n may be 0."""

    topic: str
    partition: int
    offsets: Sequence[int]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Sequence[tuple[Header, ...]]
    timestamps_ms: Sequence[int]
    """Of the records themselves, wall clock since 1970; -1: the record has none."""

    def __len__(self) -> int:
        """Return n."""
        return len(self.offsets)

    def part(self, start: int, stop: int) -> Batch:
        """Return the records from index `start` to before `stop`."""
        if start <= 0 and stop >= len(self):
            return self
        cut = slice(start, stop)
        return Batch(
            self.topic,
            self.partition,
            self.offsets[cut],
            self.keys[cut],
            self.values[cut],
            self.headers[cut],
            self.timestamps_ms[cut],
        )

    def record(self, at: int) -> Incoming:
        """Return the record of index `at`."""
        timestamp_ms = self.timestamps_ms[at]
        return Incoming(
            self.topic,
            self.partition,
            self.offsets[at],
            self.keys[at],
            self.values[at],
            self.headers[at],
            timestamp_ms if timestamp_ms >= 0 else None,
        )


class Outgoing(NamedTuple):
    """A record to be written. A tuple, as `State`: they are made by the thousand."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    partition: int | None = None
    """None: by the key."""

    timestamp_ms: int | None = None
    """None: now."""


@dataclass(frozen=True, slots=True)
class Written:
    """Records of one partition that the broker has taken, one right after the other."""

    topic: str
    partition: int
    offset: int
    """Of the first."""

    records: int


class State(NamedTuple):
    """A state as the changelog holds it."""

    partition: int
    key: bytes
    """Card or terminal id, UTF-8."""

    value: bytes
    """Framed Avro."""


class Snapshot(Protocol):
    """States as they were at one moment, to be written to the changelog; what is judged later doesn't change them."""

    def __len__(self) -> int:
        """Return how many there are."""

    def __iter__(self) -> Iterator[State]:
        """Encode them one after the other, once: the settler lets others have a turn in between."""

    def written(self) -> None:
        """Take note that all of them are in the changelog; those of partitions dropped meanwhile are passed over."""


class States(Protocol):
    """The states of the partitions that this worker has, of cards or terminals.

    A state belongs to the partition that its records came from: offsets of two partitions can't be compared.
    """

    def restored(self, partition: int, key: bytes, value: bytes) -> None:
        """Take a state from the changelog, unless one that has applied as much or more is here.

        A worker that was thought dead may have written an old state after its successor's newer one. A worker also
        reads what it has written itself.

        Raises:
            BadRecordError, UnicodeDecodeError: it is not a state.
        """

    def snapshot(self) -> Snapshot:
        """Return the newest state of all that changed since the last snapshot; they count as unchanged from now on."""

    def outlived(self) -> Snapshot:
        """Return the states that must be written again, since the changelog goes on with an older one of their key."""

    def applied_offset(self, partition: int) -> int:
        """Return the highest offset of the partition that a state from the changelog contains; -1 for none."""

    def keep(self, partitions: Iterable[int]) -> None:
        """Forget all other partitions: they are another worker's now."""

    def drop(self, partition: int) -> None:
        """Forget a partition, also what is in a snapshot that is being written: it is read anew."""

    def count(self) -> int:
        """Return how many states there are."""
