"""The nouns of judging: a transaction, what a rule finds in it, and the verdict.

Event times are whole milliseconds since 1970, UTC: exact to compare, and as they are on the wire.
Amounts are whole minor units of the currency (cents).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Final

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
EARTH_RADIUS_KM: Final = 6371.0088


@dataclass(frozen=True, slots=True)
class Place:
    """A point on Earth in degrees, north and east positive."""

    latitude: float
    longitude: float

    def km_to(self, other: Place) -> float:
        """Return the great-circle distance in km (haversine formula, mean Earth radius)."""
        north, other_north = radians(self.latitude), radians(other.latitude)
        half_north = sin((other_north - north) / 2) ** 2
        half_east = sin(radians(other.longitude - self.longitude) / 2) ** 2
        chord = half_north + cos(north) * cos(other_north) * half_east
        return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, chord)))


@dataclass(frozen=True, slots=True)
class RecentTransaction:
    """What a card's window keeps of a transaction that was judged."""

    transaction_id: str
    event_time_ms: int
    amount_minor: int
    merchant_id: str
    merchant_category: str
    country: str
    place: Place | None
    card_present: bool
    approved: bool


@dataclass(frozen=True, slots=True)
class Transaction:
    """One card authorisation, checked; the fields are those of `schemas/transaction.avsc`."""

    transaction_id: str
    card_id: str
    card_last_four: str
    user_id: str
    event_time_ms: int
    amount_minor: int
    currency: str
    merchant_id: str
    merchant_name: str
    merchant_category: str
    terminal_id: str | None
    """The terminal that read the card; None online."""

    device_id: str | None
    country: str
    place: Place | None
    card_present: bool
    approved: bool

    def recent(self) -> RecentTransaction:
        """Return what the card's window keeps of it."""
        return RecentTransaction(
            transaction_id=self.transaction_id,
            event_time_ms=self.event_time_ms,
            amount_minor=self.amount_minor,
            merchant_id=self.merchant_id,
            merchant_category=self.merchant_category,
            country=self.country,
            place=self.place,
            card_present=self.card_present,
            approved=self.approved,
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What one detection rule found in one transaction."""

    rule: str
    """Name of the rule."""

    reason: str
    """What the rule looks for, in words."""

    evidence: str
    """What it saw and the limit that was broken, enough for a person to believe it."""

    observed: float
    """The figure that broke the limit."""

    threshold: float
    """The limit, in the unit of `observed`."""

    score: float
    """0 to 1: how likely the finding alone means fraud."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all findings together say of one transaction."""

    score: float
    """0 to 1."""

    flagged: bool
    """Whether the score reaches the alert threshold."""

    findings: tuple[Finding, ...]
    """Strongest first."""
