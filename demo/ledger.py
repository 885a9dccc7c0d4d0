"""The ledger of a run: what went in must have come out, once. Pure: takes what was found, says if it adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

SHOWN: Final = 5
"""How many ids a difference names."""


@dataclass(frozen=True, slots=True)
class Card:
    """What the analyzer has counted for one card, from its durable state."""

    judged: int = 0
    flagged: int = 0
    late: int = 0
    duplicate: int = 0


@dataclass(frozen=True, slots=True)
class Flag:
    """One distinct notification."""

    transaction_id: str
    card_id: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """What has come to one target of the routing rule."""

    events: AbstractSet[str] = frozenset()
    """Ids of the distinct notifications that came."""
    records: int = 0
    """Events, repeats included."""
    dead: AbstractSet[str] = frozenset()
    """Ids of the notifications in the target's dead-letter queue."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What stands in topics, changelog and at the targets once a run has come to rest."""

    transactions: Mapping[int, int] = field(default_factory=dict)
    """Records in the transactions topic, by partition."""
    dead_transactions: Mapping[int, int] = field(default_factory=dict)
    """Distinct records of it that were dead-lettered, by their original partition."""
    cards: Mapping[tuple[int, str], Card] = field(default_factory=dict)
    """The analyzer's counters, by partition and card id."""
    notifications: Mapping[str, Flag] = field(default_factory=dict)
    """Distinct notifications, by notification id."""
    notification_records: int = 0
    """Records in the notifications topic, repeats included."""
    undelivered: frozenset[str] = frozenset()
    """Ids of notifications that never reached the bus: the notifier has dead-lettered them."""
    targets: Mapping[str, Arrived] = field(default_factory=dict)
    """What came to each target of the routing rule, by its name."""


@dataclass(frozen=True, slots=True)
class Line:
    """One equation of the ledger."""

    what: str
    left: int
    right: int
    terms: str
    """The right side in words and figures."""
    where: tuple[str, ...] = ()
    """Where the sides differ: partitions, cards or notification ids, a few of them."""

    @property
    def balances(self) -> bool:
        """Equal in sum, and nowhere unequal in part."""
        return self.left == self.right and not self.where


def lines(seen: Observed) -> tuple[Line, ...]:
    """Return the equations that a run must satisfy: transactions, flags, and one for each target."""
    delivered = (_delivered(seen, name, arrived) for name, arrived in seen.targets.items())
    return _transactions(seen), _flagged(seen), *delivered


def _transactions(seen: Observed) -> Line:
    out: Counter[int] = Counter(seen.dead_transactions)
    for (partition, _), card in seen.cards.items():
        out[partition] += card.judged + card.late + card.duplicate
    judged, late, duplicate = (
        sum(getattr(card, name) for card in seen.cards.values()) for name in ("judged", "late", "duplicate")
    )
    dead = sum(seen.dead_transactions.values())
    return Line(
        what="transactions in",
        left=sum(seen.transactions.values()),
        right=out.total(),
        terms=f"{judged:,} judged + {late:,} late + {duplicate:,} duplicate + {dead:,} dead-lettered",
        where=_few(
            f"partition {number}: {seen.transactions.get(number, 0)} in, {out[number]} out"
            for number in sorted({*seen.transactions, *out})
            if seen.transactions.get(number, 0) != out[number]
        ),
    )


def _flagged(seen: Observed) -> Line:
    notified = Counter(flag.card_id for flag in seen.notifications.values())
    flagged: Counter[str] = Counter()
    for (_, card_id), card in seen.cards.items():
        flagged[card_id] += card.flagged
    return Line(
        what="flagged",
        left=flagged.total(),
        right=len(seen.notifications),
        terms=f"{len(seen.notifications):,} distinct notifications",
        where=_few(
            f"card {card_id}: {flagged[card_id]} flagged, {notified[card_id]} notifications"
            for card_id in sorted({*flagged, *notified})
            if flagged[card_id] != notified[card_id]
        ),
    )


def _delivered(seen: Observed, name: str, arrived: Arrived) -> Line:
    dead = (seen.undelivered | arrived.dead) - arrived.events
    lost = sorted(seen.notifications.keys() - arrived.events - dead)
    strange = sorted((arrived.events | dead) - seen.notifications.keys())
    return Line(
        what="distinct notifications",
        left=len(seen.notifications),
        right=len(arrived.events) + len(dead),
        terms=f"{len(arrived.events):,} distinct events at the {name} + {len(dead):,} dead-lettered",
        where=_few(
            [f"not delivered: {each}" for each in lost] + [f"delivered from nowhere: {each}" for each in strange]
        ),
    )


def _few(found: Iterable[str]) -> tuple[str, ...]:
    everything = list(found)
    more = len(everything) - SHOWN
    return (*everything[:SHOWN], f"and {more} more") if more > 0 else tuple(everything)
