"""The ledger of a run: what went in must have come out, once. Pure: takes what was found, says if it adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, TypeVar

SHOWN: Final = 5
"""How many ids a difference names."""

_Part = TypeVar("_Part", int, str)


@dataclass(frozen=True, slots=True)
class Card:
    """What the analyzer has counted for one card, from its durable state."""

    judged: int = 0
    flagged: int = 0
    late: int = 0
    duplicate: int = 0
    sighted: int = 0


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the analyzer has counted for one terminal, from its durable state."""

    seen: int = 0
    flagged: int = 0
    late: int = 0
    duplicate: int = 0


@dataclass(frozen=True, slots=True)
class Sighted:
    """One distinct sighting."""

    card_id: str
    terminal: str
    flagged: bool = False
    """By the rules of the card."""


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
    sightings: Mapping[str, Sighted] = field(default_factory=dict)
    """Distinct sightings, by transaction id."""
    sighting_records: Mapping[int, int] = field(default_factory=dict)
    """Records in the sightings topic, by partition."""
    dead_sightings: Mapping[int, int] = field(default_factory=dict)
    """Distinct records of it that were dead-lettered, by their original partition."""
    terminals: Mapping[tuple[int, str], Terminal] = field(default_factory=dict)
    """The analyzer's counters, by partition and terminal."""
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
    """Return the equations that a run must satisfy: transactions, sightings, flags, and one for each target."""
    delivered = (_delivered(seen, name, arrived) for name, arrived in seen.targets.items())
    return _transactions(seen), _sighted(seen), _sightings(seen), _flagged(seen), *delivered


def _transactions(seen: Observed) -> Line:
    out: Counter[int] = Counter(seen.dead_transactions)
    for (partition, _), card in seen.cards.items():
        out[partition] += card.judged + card.late + card.duplicate
    judged, late, duplicate = (_sum(seen.cards, name) for name in ("judged", "late", "duplicate"))
    dead = sum(seen.dead_transactions.values())
    return Line(
        what="transactions in",
        left=sum(seen.transactions.values()),
        right=out.total(),
        terms=f"{judged:,} judged + {late:,} late + {duplicate:,} duplicate + {dead:,} dead-lettered",
        where=_differing(seen.transactions, out, "partition {}: {} in, {} out"),
    )


def _sighted(seen: Observed) -> Line:
    counted: Counter[str] = Counter()
    for (_, card_id), card in seen.cards.items():
        counted[card_id] += card.sighted
    written = Counter(sighting.card_id for sighting in seen.sightings.values())
    return Line(
        what="above their card's habit",
        left=counted.total(),
        right=len(seen.sightings),
        terms=f"{len(seen.sightings):,} distinct sightings",
        where=_differing(counted, written, "card {}: {} sighted, {} sightings"),
    )


def _sightings(seen: Observed) -> Line:
    out: Counter[int] = Counter(seen.dead_sightings)
    for (partition, _), terminal in seen.terminals.items():
        out[partition] += terminal.seen + terminal.late + terminal.duplicate
    came, late, duplicate = (_sum(seen.terminals, name) for name in ("seen", "late", "duplicate"))
    dead = sum(seen.dead_sightings.values())
    return Line(
        what="sightings in",
        left=sum(seen.sighting_records.values()),
        right=out.total(),
        terms=f"{came:,} seen at terminals + {late:,} late + {duplicate:,} duplicate + {dead:,} dead-lettered",
        where=_differing(seen.sighting_records, out, "partition {}: {} in, {} out"),
    )


def _flagged(seen: Observed) -> Line:
    flagged, notified = _flagged_by(seen), Counter(_flagger(seen, flag) for flag in seen.notifications.values())
    by_cards, by_terminals = _sum(seen.cards, "flagged"), _sum(seen.terminals, "flagged")
    return Line(
        what=f"flagged ({by_cards:,} by cards, {by_terminals:,} by terminals)",
        left=flagged.total(),
        right=len(seen.notifications),
        terms=f"{len(seen.notifications):,} distinct notifications",
        where=_differing(flagged, notified, "{}: {} flagged, {} notifications"),
    )


def _flagged_by(seen: Observed) -> Counter[str]:
    """Return how many each card and each terminal has flagged."""
    flagged: Counter[str] = Counter()
    for (_, card_id), card in seen.cards.items():
        flagged[f"card {card_id}"] += card.flagged
    for (_, terminal_id), terminal in seen.terminals.items():
        flagged[f"terminal {terminal_id}"] += terminal.flagged
    return flagged


def _flagger(seen: Observed, flag: Flag) -> str:
    """Return who flagged a transaction: its terminal, if it was sighted there and its card had not flagged it."""
    sighting = seen.sightings.get(flag.transaction_id)
    return f"terminal {sighting.terminal}" if sighting and not sighting.flagged else f"card {flag.card_id}"


def _sum(counted: Mapping[tuple[int, str], object], name: str) -> int:
    return sum(getattr(each, name) for each in counted.values())


def _differing(left: Mapping[_Part, int], right: Mapping[_Part, int], words: str) -> tuple[str, ...]:
    parts: list[_Part] = sorted(left.keys() | right.keys())
    return _few(
        words.format(part, left.get(part, 0), right.get(part, 0))
        for part in parts
        if left.get(part, 0) != right.get(part, 0)
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
