"""The records of a batch put into the log, and what each can look back to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.batch.columns import BoolArray, IntArray
from analyzer.batch.figures import Pairs
from analyzer.batch.log import RecentLog, fresh_of
from analyzer.batch.rows import Rows
from analyzer.batch.store import CardStore
from analyzer.batch.work import Work
from analyzer.core.window import LONGEST_WINDOW_MS


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """n records as entries of the log, each linked to its card's one before it."""

    rows: Rows
    entries: IntArray
    """(n,)"""

    event_time_ms: IntArray
    """(n,)"""

    oldest_ms: IntArray
    """(n,) what is not newer was forgotten before the record; below all times at a card's first record."""

    pairs: Pairs


def linked(rows: Rows, work: Work, allowed_lateness_ms: int) -> Past:
    """Put the records into the store's log; the cards' newest entries stay what they are."""
    log, cards, columns = work.store.log, work.store.cards, work.columns
    time = columns.event_time_ms[rows.at]
    entries = log.add(fresh_of(columns, work.id_hash, rows.at))
    log.earlier[entries] = rows.shifted(entries, cards.newest[rows.slots])
    least = np.full(len(rows.slots), np.iinfo(np.int64).min)
    oldest_ms = rows.shifted(time - LONGEST_WINDOW_MS - allowed_lateness_ms, least)
    row, entry = log.walk(log.earlier[entries], oldest_ms)
    return Past(rows, entries, time, oldest_ms, Pairs(row, entry, time[row] - log.event_time_ms[entry]))


def repeated(past: Past, log: RecentLog) -> BoolArray:
    """Tell of which cards, (c,), a record may be of a transaction that is remembered already."""
    pairs, rows = past.pairs, past.rows
    again = log.id_hash[pairs.entry] == log.id_hash[past.entries[pairs.row]]
    found = np.zeros(len(rows.slots), np.bool_)
    found[rows.card[pairs.row[again]]] = True
    return found


def settle(past: Past, store: CardStore, allowed_lateness_ms: int) -> None:
    """Let the cards remember the records, and forget what nothing in time can look back to any more."""
    rows, log, cards = past.rows, store.log, store.cards
    first = rows.starts[rows.card[past.pairs.row]] == past.pairs.row  # that one came by all that was remembered
    entry = np.concatenate([past.pairs.entry[first], past.entries])
    card = np.concatenate([rows.card[past.pairs.row[first]], rows.card])
    newest_ms = past.event_time_ms[rows.lasts]
    oldest_ms = (newest_ms - LONGEST_WINDOW_MS - allowed_lateness_ms)[card]
    earlier = log.earlier[entry]
    ends = (earlier >= 0) & (log.event_time_ms[earlier] <= oldest_ms)
    log.earlier[entry[ends]] = -1
    gone = log.event_time_ms[entry] <= oldest_ms
    cards.remembered[rows.slots] = np.bincount(card[~gone], minlength=len(rows.slots))
    cards.newest[rows.slots], cards.newest_ms[rows.slots] = past.entries[rows.lasts], newest_ms
    log.free(entry[gone])
