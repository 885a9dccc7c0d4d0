"""A batch that is being judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analyzer.batch.columns import Columns
from analyzer.batch.outcome import BatchOutcome
from analyzer.batch.store import CardStore
from analyzer.core.model import Transaction


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A batch, what it is judged against, and what came of it so far."""

    store: CardStore
    columns: Columns
    read: Callable[[int], Transaction]
    """Returns the record at an index, through the scalar reader."""

    outcome: BatchOutcome
