"""The card itself in two places too far apart for the time between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analyzer.core.features import Features
from analyzer.core.model import SECOND_MS, Finding, Transaction
from analyzer.core.rules.base import graded
from analyzer.core.units import Km, KmPerHour, Scores, Seconds

SECONDS_PER_HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class ImpossibleTravel:
    """The card was at two terminals, and nobody travels so fast between them."""

    name: ClassVar[str] = "impossible_travel"
    needs: ClassVar[frozenset[str]] = frozenset({"place", "channel"})

    limit_km_h: KmPerHour
    """Speed that is still possible: an airliner's."""

    least_km: Km
    """Distances up to this are never impossible: places are known to a town, not to a street."""

    least_seconds: Seconds
    """Time between taken at the least: clocks of terminals differ."""

    scores: Scores
    """At the limit, and at twice the limit."""

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:
        """Return a finding when the way from the last terminal was too fast."""
        if not transaction.card_present or transaction.place is None:
            return None
        before = seen.previous_present
        if before is None or before.place is None or not before.place.may_be_beyond(self.least_km, transaction.place):
            return None
        km = before.place.km_to(transaction.place)
        seconds = (transaction.event_time_ms - before.event_time_ms) / SECOND_MS
        km_h = km / max(seconds, self.least_seconds) * SECONDS_PER_HOUR
        if km <= self.least_km or km_h <= self.limit_km_h:
            return None
        return Finding(
            rule=self.name,
            reason="the card was at two terminals too far apart for the time between",
            evidence=(
                f"{km:.0f} km from {before.country} to {transaction.country} in {seconds / 60:.0f} min"
                f" is {km_h:.0f} km/h, limit {self.limit_km_h:g}"
            ),
            observed=km_h,
            threshold=self.limit_km_h,
            score=graded(km_h, self.limit_km_h, 2 * self.limit_km_h, self.scores),
        )
