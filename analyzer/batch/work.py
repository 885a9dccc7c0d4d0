"""A batch that is being judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from analyzer.batch.columns import Columns, IntArray
from analyzer.batch.outcome import BatchOutcome, Kind
from analyzer.batch.store import CardStore
from analyzer.core.model import Transaction


class Skip(NamedTuple):
    """A record that only counts."""

    at: int
    """Index in the batch."""

    offset: int
    kind: Kind
    behind_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A batch, what it is judged against, and what came of it so far."""

    store: CardStore
    columns: Columns
    read: Callable[[int], Transaction]
    """Returns the record at an index, through the scalar reader."""

    outcome: BatchOutcome

    id_hash: IntArray
    """(n,) Python's hash of each transaction id."""

    skips: dict[int, list[Skip]] = field(default_factory=dict)
    """By slot, the records that only count, in the order of their offsets."""

    @classmethod
    def of(cls, store: CardStore, columns: Columns, read: Callable[[int], Transaction]) -> Work:
        """Begin with a batch."""
        id_hash = np.fromiter(map(hash, columns.transaction_ids), np.int64, len(columns))
        return cls(store, columns, read, BatchOutcome.of(len(columns)), id_hash)

    def skip(self) -> None:
        """Count the records that only count."""
        for slot, skips in self.skips.items():
            self.store.skip(slot, skips[-1].offset, *counts(skips))
            for one in skips:
                self.outcome.kind[one.at] = one.kind
                if one.kind is Kind.LATE:
                    self.outcome.behind_ms[one.at] = one.behind_ms

    def skipped_before(self, slot: int, offset: int) -> list[Skip]:
        """Return those of a card that come before an offset."""
        return [one for one in self.skips.get(slot, ()) if one.offset < offset]


def counts(skips: list[Skip]) -> tuple[int, int]:
    """Return how many are late, and how many are duplicates."""
    late = sum(one.kind is Kind.LATE for one in skips)
    return late, len(skips) - late
