"""A country or a device that the card was never used with, together with other evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analyzer.core.features import Features
from analyzer.core.model import HOUR_MS, Finding, Transaction
from analyzer.core.rules.amount_outlier import z_score
from analyzer.core.rules.base import graded
from analyzer.core.units import Count, Deviations, HourOfDay, Hours, LogAmount, Scores

_HOURS_PER_DAY = 24
_DEGREES_PER_HOUR = 15


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """People travel and buy telephones: alone, something new means nothing."""

    name: ClassVar[str] = "first_seen"
    needs: ClassVar[frozenset[str]] = frozenset({"country"})

    least_evidence: Count
    """Pieces of other evidence that a new country or device needs."""

    least_history: Count
    """Transactions of the card without which everything is new."""

    young_hours: Hours
    """Time since the first use until which a country or device is new: a burst doesn't make itself familiar."""

    limit_z: Deviations
    """Standard deviations of ln(amount) above the habit from which an amount is evidence."""

    least_sd: LogAmount
    """As in amount_outlier."""

    night_until_hour: HourOfDay
    """It is night from midnight to this hour, by the sun where the card is used."""

    limit_hour: Count
    """Transactions in the hour above which haste is evidence."""

    scores: Scores
    """With just enough evidence, and with two pieces more."""

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:
        """Return a finding when something is new and enough else is odd."""
        if (seen.country_age_ms is None and seen.device_age_ms is None) or seen.judged < self.least_history:
            return None
        new = self._new(seen, transaction)
        if not new:
            return None
        odd = [*new[1:], *self._odd(seen, transaction)]
        if len(odd) < self.least_evidence:
            return None
        return Finding(
            rule=self.name,
            reason="a country or device that is new for the card, together with other evidence",
            evidence=f"{', '.join([new[0], *odd])}; needs {self.least_evidence} beside the first",
            observed=len(odd),
            threshold=self.least_evidence,
            score=graded(len(odd), self.least_evidence, self.least_evidence + 2, self.scores),
        )

    def _new(self, seen: Features, transaction: Transaction) -> list[str]:
        new = []
        if self._young(seen.country_age_ms):
            new.append(_since(f"in {transaction.country}", seen.country_age_ms, known=seen.country is not None))
        if self._young(seen.device_age_ms):
            new.append(_since("with this device", seen.device_age_ms, known=seen.device is not None))
        return new

    def _young(self, age_ms: int | None) -> bool:
        return age_ms is not None and age_ms <= self.young_hours * HOUR_MS

    def _odd(self, seen: Features, transaction: Transaction) -> list[str]:
        odd = []
        z = z_score(seen.habit, transaction.amount_minor, self.least_sd)
        if z > self.limit_z:
            odd.append(f"amount {z:.1f} standard deviations above habit")
        if self._night(transaction):
            odd.append("at night")
        if self._young(seen.country_age_ms) and not transaction.card_present:
            odd.append("online")
        if seen.hour.count > self.limit_hour:
            odd.append(f"{seen.hour.count} transactions within the hour")
        if seen.hour.declined:
            odd.append(f"{seen.hour.declined} declined within the hour")
        return odd

    def _night(self, transaction: Transaction) -> bool:
        east = transaction.place.longitude if transaction.place else 0.0
        hour = transaction.event_time_ms / HOUR_MS + east / _DEGREES_PER_HOUR
        return hour % _HOURS_PER_DAY < self.night_until_hour


def _since(what: str, age_ms: int | None, *, known: bool) -> str:
    return f"first use {what} {(age_ms or 0) / HOUR_MS:.1f} h before" if known else f"first use {what}"
