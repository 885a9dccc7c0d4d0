"""What is judged in one step: some of what was fetched, of one partition or several."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeVar

from analyzer.ports import Batch, Incoming

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Portion:
    """n records: those of one batch after those of another."""

    batches: Sequence[Batch]
    """In each the records of one partition; none is empty."""

    ends: Sequence[int] = field(init=False)
    """Index after the last record of each batch."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", list(accumulate(map(len, self.batches))))

    def __len__(self) -> int:
        """Return n."""
        return self.ends[-1] if self.ends else 0

    @property
    def offsets(self) -> Sequence[int]:
        """Of each record, in its partition."""
        return _joined([one.offsets for one in self.batches])

    @property
    def keys(self) -> Sequence[bytes | None]:
        """Of each record."""
        return _joined([one.keys for one in self.batches])

    @property
    def values(self) -> Sequence[bytes | None]:
        """Of each record."""
        return _joined([one.values for one in self.batches])

    def record(self, at: int) -> Incoming:
        """Return the record of index `at`."""
        number = bisect_right(self.ends, at)
        batch = self.batches[number]
        return batch.record(at - self.ends[number] + len(batch))


def portions(batches: Iterable[Batch], most: int) -> Iterator[list[Batch]]:
    """Yield the records of batches in their order, at most so many at once."""
    portion: list[Batch] = []
    room = most
    for batch in batches:
        start = 0
        while start < len(batch):
            part = batch.part(start, start + room)
            portion.append(part)
            start, room = start + len(part), room - len(part)
            if not room:
                yield portion
                portion, room = [], most
    if portion:
        yield portion


def _joined(columns: Sequence[Sequence[T]]) -> Sequence[T]:
    return columns[0] if len(columns) == 1 else [one for column in columns for one in column]
