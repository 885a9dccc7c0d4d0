"""The nouns of judging: a transaction, what a rule finds in it, and the verdict.

Event times are whole milliseconds since 1970, UTC: exact to compare, and as they are on the wire.
Amounts are whole minor units of the currency (cents).

What is made for every transaction is a tuple: that is several times as fast as a frozen dataclass.
"""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import Final, NamedTuple

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
EARTH_RADIUS_KM: Final = 6371.0088
_KM_PER_DEGREE: Final = 111.2
"""A little more than it is."""


class Place(NamedTuple):
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

    def may_be_beyond(self, km: float, other: Place) -> bool:
        """Tell whether the distance can be above `km`; far cheaper than to compute it, and never wrongly False."""
        # Along a meridian and then along a parallel, as if all parallels were as long as the equator.
        degrees = abs(self.latitude - other.latitude) + abs(self.longitude - other.longitude)
        return degrees * _KM_PER_DEGREE > km


class RecentTransaction(NamedTuple):
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


class Transaction(NamedTuple):
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
            self.transaction_id,
            self.event_time_ms,
            self.amount_minor,
            self.merchant_id,
            self.merchant_category,
            self.country,
            self.place,
            self.card_present,
            self.approved,
        )


class Finding(NamedTuple):
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


class Verdict(NamedTuple):
    """What all findings together say of one transaction."""

    score: float
    """0 to 1."""

    flagged: bool
    """Whether the score reaches the alert threshold."""

    findings: tuple[Finding, ...]
    """Strongest first."""

    shadow: tuple[Finding, ...] = ()
    """Findings of rules that run without alerting, strongest first; the score knows nothing of them."""

    shadow_flagged: bool = False
    """Whether it would be flagged if the shadow's findings counted too."""
