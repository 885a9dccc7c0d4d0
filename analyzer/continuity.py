"""Which record of each partition is the next, whatever the client hands over.

Around a rebalance Faust may hand over records twice or drop some. So every record is held against the
offset that must come next; when one is missing, the partition is read again from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

SIGHTINGS_OF_A_HOLE: Final = 3
"""How often the same record must come first before the topic is believed to have none between (compacted,
expired, or marks of transactions): that the client drops the same records each time is not to be expected."""


class Step(Enum):
    """What a record is to its partition."""

    NEXT = auto()
    """The one that must come; the position has moved past it."""

    IGNORE = auto()
    """It was here before, or its turn comes again."""

    SEEK = auto()
    """Records before it are missing: the partition must be read again from its position."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a batch is to its partition: the records from index `start` to before `stop` are the next."""

    start: int
    stop: int
    seek: int | None = None
    """Offset of a record before which others are missing: the partition must be read again from its position."""


@dataclass
class _Partition:
    position: int
    skipped_to: int | None = None
    """First offset seen beyond the position; a seek is under way."""

    last_seen: int = -1
    sightings: int = 0
    empty_reads: int = 0


class Continuity:
    """The position of each partition: the offset that must come next."""

    def __init__(self) -> None:
        """Start without partitions."""
        self._partitions: dict[int, _Partition] = {}

    def begin(self, positions: dict[int, int]) -> None:
        """Start anew with these partitions."""
        self._partitions = {partition: _Partition(position) for partition, position in positions.items()}

    def positions(self) -> dict[int, int]:
        """Return the offset that must come next, by partition."""
        return {number: partition.position for number, partition in self._partitions.items()}

    def nothing_until(self, partition: int, read_to: int) -> Step:
        """Return what to do when a partition was read to `read_to` and no record came since the position.

        SEEK to read it again; NEXT when that showed nothing often enough: the position has moved there.
        """
        known = self._partitions.get(partition)
        if known is None or read_to <= known.position:
            return Step.IGNORE
        known.empty_reads += 1
        if known.empty_reads < SIGHTINGS_OF_A_HOLE:
            return Step.SEEK
        self._partitions[partition] = _Partition(read_to)
        return Step.NEXT

    def take(self, partition: int, offsets: Sequence[int]) -> Run:
        """Return what to do with a batch, its offsets ascending; as `see` says of each of its records."""
        known = self._partitions.get(partition)
        if known is None or not offsets or offsets[-1] < known.position:
            return Run(0, 0)
        if offsets[0] == known.position and offsets[-1] - offsets[0] == len(offsets) - 1:
            self._partitions[partition] = _Partition(offsets[-1] + 1)
            return Run(0, len(offsets))
        steps = [self.see(partition, offset) for offset in offsets]
        start = steps.index(Step.NEXT) if Step.NEXT in steps else 0
        seek = offsets[steps.index(Step.SEEK)] if Step.SEEK in steps else None
        return Run(start, start + steps.count(Step.NEXT), seek)

    def see(self, partition: int, offset: int) -> Step:
        """Return what to do with a record of `partition`; one of an unknown partition is to be ignored."""
        known = self._partitions.get(partition)
        if known is None or offset < known.position:
            return Step.IGNORE
        if offset > known.position:
            fetched_before_the_seek = known.skipped_to is not None and offset > known.last_seen
            known.last_seen = offset
            if fetched_before_the_seek:
                return Step.IGNORE
            known.sightings = known.sightings + 1 if offset == known.skipped_to else 1
            known.skipped_to = offset
            if known.sightings < SIGHTINGS_OF_A_HOLE:
                return Step.SEEK
        self._partitions[partition] = _Partition(offset + 1)
        return Step.NEXT
