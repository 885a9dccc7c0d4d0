"""Puts columns of records that were written with different schemas back into the order of their offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from analyzer.batch.columns import Columns, IntArray
from analyzer.core.model import Transaction

_S = TypeVar("_S", bound=np.generic)
_T = TypeVar("_T")
Part = tuple[IntArray, Columns]
"""Where (m,) the m records stand among all, and their columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Finds the part that a record is in, and asks that."""

    parts: Sequence[Part]

    part: IntArray
    """(n,) which one; -1 for none."""

    def sighting_head(self, at: int) -> bytes:
        """Return the Avro body of a sighting up to its terminal."""
        found, index = self._find(at)
        return found.sighting_head(index)

    def terminal(self, at: int) -> bytes:
        """Return the terminal id of a record, or the merchant id of one without a terminal."""
        found, index = self._find(at)
        return found.terminal(index)

    def transaction(self, at: int) -> Transaction:
        """Return a record in full."""
        found, index = self._find(at)
        return found.transaction(index)

    def _find(self, at: int) -> tuple[Columns, int]:
        indices, found = self.parts[int(self.part[at])]
        return found, int(np.searchsorted(indices, at))


def merged(offsets: IntArray, parts: Sequence[Part]) -> Columns:
    """Return columns of all records; those in no part are odd."""
    of = _Scatter(len(offsets), parts)
    part = of.array([np.full(len(at), part) for part, (at, _) in enumerate(parts)], np.full(len(offsets), -1))
    whole = Parts(parts, part)
    return Columns(
        offsets=offsets,
        odd=of.array([one.odd for _, one in parts], np.ones(len(offsets), np.bool_)),
        card_ids=of.values([one.card_ids for _, one in parts], b""),
        transaction_ids=of.values([one.transaction_ids for _, one in parts], b""),
        device_ids=of.values([one.device_ids for _, one in parts], None),
        event_time_ms=of.array([one.event_time_ms for _, one in parts], np.zeros(len(offsets), np.int64)),
        amount_minor=of.array([one.amount_minor for _, one in parts], np.zeros(len(offsets), np.int64)),
        ln_amount=of.array([one.ln_amount for _, one in parts], np.zeros(len(offsets))),
        country=of.array([one.country for _, one in parts], np.zeros(len(offsets), np.uint16)),
        at_terminal=of.array([one.at_terminal for _, one in parts], np.zeros(len(offsets), np.bool_)),
        card_present=of.array([one.card_present for _, one in parts], np.zeros(len(offsets), np.bool_)),
        approved=of.array([one.approved for _, one in parts], np.zeros(len(offsets), np.bool_)),
        has_place=of.array([one.has_place for _, one in parts], np.zeros(len(offsets), np.bool_)),
        latitude=of.array([one.latitude for _, one in parts], np.full(len(offsets), np.nan)),
        longitude=of.array([one.longitude for _, one in parts], np.full(len(offsets), np.nan)),
        recent=of.values([one.recent for _, one in parts], b""),
        sighting_head=whole.sighting_head,
        terminal=whole.terminal,
        transaction=whole.transaction,
    )


def all_odd(offsets: Sequence[int]) -> Columns:
    """Return columns of records that are all left to the scalar reader."""
    return merged(np.array(offsets, np.int64), ())


@dataclass(frozen=True, slots=True)
class _Scatter:
    size: int
    parts: Sequence[Part]

    def array(self, columns: Sequence[NDArray[_S]], whole: NDArray[_S]) -> NDArray[_S]:
        """Fill `whole` with what the parts have, and return it."""
        for (at, _), column in zip(self.parts, columns, strict=True):
            whole[at] = column
        return whole

    def values(self, columns: Sequence[Sequence[_T]], missing: _T) -> list[_T]:
        """Return a list of what the parts have."""
        whole = [missing] * self.size
        for (at, _), column in zip(self.parts, columns, strict=True):
            for place, value in zip(at.tolist(), column, strict=True):
                whole[place] = value
        return whole
