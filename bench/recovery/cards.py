"""Transactions of many cards in three parts: copies of some cards', so that the core need judge only those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final
from uuid import UUID, uuid5

from analyzer.core.model import Verdict
from bench.analyzer.records import SEED, START_MS, verdicts
from bench.analyzer.work import FIVE_PERCENT, Work
from producer.presets import make_plan
from producer.timeline import transactions
from schemas.codec import Encoder, Record

WORK: Final = FIVE_PERCENT
PER_CARD: Final = 6
"""Transactions of a card in the mean."""
_ORIGINALS: Final = 1_000
_NAMES: Final = UUID("6f2f6d0e-0c1c-4a53-9d6c-0d1f2b7a4c11")

Values = list[tuple[bytes, bytes]]
"""Key and value of records, in the order in which they are written."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the records."""

    values: Values
    ids: list[str]
    """The transaction of each."""


@dataclass(frozen=True, slots=True)
class Cards:
    """What is written in a run."""

    parts: Sequence[Part]
    """Those of a card that are in one part are before those of it in the next."""
    expected: Mapping[str, Verdict]
    """By the transaction, all parts together."""
    count: int
    """How many cards there are."""


def make(cards: int, later: Sequence[int], encoder: Encoder, work: Work = WORK) -> Cards:
    """Return transactions of about so many cards.

    Args:
        cards: how many, roughly.
        later: how many records the parts after the first have, roughly.
        encoder: of transactions.
        work: the thresholds.
    """
    originals = _originals(min(cards, _ORIGINALS))
    known = {one["cardId"] for one in originals}
    copies = max(1, round(cards / len(known)))
    ends = [len(originals)]
    for records in reversed(later):
        ends.insert(0, max(1, ends[0] - max(1, records // copies)))
    found = verdicts(originals, work)
    parts = [_part(originals[begin:end], copies, encoder) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
    expected = {_named(name, copy): verdict for name, verdict in found.items() for copy in range(copies)}
    return Cards(parts, expected, copies * len(known))


def _originals(holders: int) -> list[Record]:
    plan = make_plan(SEED, START_MS, "workshop", holders)
    return [one.record() for one, _ in islice(transactions(plan), holders * PER_CARD)]


def _part(originals: Sequence[Record], copies: int, encoder: Encoder) -> Part:
    records = list(_copied(originals, copies))
    values = [(one["cardId"].encode(), encoder.encode(one)) for one in records]
    return Part(values, [one["transactionId"] for one in records])


def _copied(originals: Sequence[Record], copies: int) -> Iterator[Record]:
    """Yield all of one copy, then all of the next: what is flagged spreads evenly so."""
    for copy in range(copies):
        for one in originals:
            names = {"cardId": f"{one['cardId']}_{copy}", "transactionId": _named(one["transactionId"], copy)}
            yield {**one, **names}


def _named(transaction_id: str, copy: int) -> str:
    return str(uuid5(_NAMES, f"{transaction_id}/{copy}"))
