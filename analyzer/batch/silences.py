"""The last long silence of a card as each of its records finds it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.batch.cards import NEVER, Cards
from analyzer.batch.columns import IntArray
from analyzer.batch.rows import Rows
from analyzer.core.window import QUIET_MS


@dataclass(frozen=True, slots=True, eq=False)
class Silences:
    """Of n records; `NEVER` for none."""

    before_from_ms: IntArray
    before_until_ms: IntArray
    """(n,) what the card remembers before the record."""

    from_ms: IntArray
    until_ms: IntArray
    """(n,) after it: another one, if it ends a silence."""


def silences(rows: Rows, event_time_ms: IntArray, cards: Cards) -> Silences:
    """Return the silences of records that are in order."""
    newest_ms = cards.newest_ms[rows.slots]
    previous_ms = rows.shifted(event_time_ms, newest_ms)
    ends = (event_time_ms - previous_ms >= QUIET_MS) & (previous_ms != NEVER)
    last = np.maximum.accumulate(np.where(ends, np.arange(len(rows)), -1))
    within = last >= rows.starts[rows.card]
    known_from, known_until = cards.silence_from_ms[rows.slots], cards.silence_until_ms[rows.slots]
    from_ms = np.where(within, previous_ms[last], known_from[rows.card])
    until_ms = np.where(within, event_time_ms[last], known_until[rows.card])
    return Silences(rows.shifted(from_ms, known_from), rows.shifted(until_ms, known_until), from_ms, until_ms)
