"""What was flagged goes on: the same device, or the same foreign country, once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analyzer.core.features import Features
from analyzer.core.model import DAY_MS, HOUR_MS, Finding, Transaction
from analyzer.core.rules.base import graded
from analyzer.core.units import Days, Scores
from analyzer.core.window import Flag


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A stranger on the card comes again; what the holder has long been using is never a stranger's.

    The last eight flagged transactions of a card are remembered.
    """

    name: ClassVar[str] = "follow_up"
    needs: ClassVar[frozenset[str]] = frozenset()

    within_days: Days
    """Time since a flagged transaction for which it is remembered against what is like it."""

    trusted_days: Days
    """Time since its first use from which a device or country is the holder's own."""

    scores: Scores
    """After one flagged transaction that is like this one, and after three."""

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:
        """Return a finding when flagged transactions of the card were like this one."""
        if not seen.flags:
            return None
        alike = self._alike(seen)
        if not alike:
            return None
        last = max(alike, key=lambda flag: flag.event_time_ms)
        hours = (transaction.event_time_ms - last.event_time_ms) / HOUR_MS
        what = "device" if self._same_device(last, seen) else "country"
        return Finding(
            rule=self.name,
            reason="a transaction like one of the card that was flagged",
            evidence=(
                f"the same {what} as in transaction {last.transaction_id}, flagged {hours:.1f} h before;"
                f" {len(alike)} flagged ones alike, limit 0"
            ),
            observed=len(alike),
            threshold=0,
            score=graded(len(alike), 1, 3, self.scores),
        )

    def _alike(self, seen: Features) -> list[Flag]:
        device, country = self._stranger(seen.device_age_ms), self._stranger(seen.country_age_ms)
        if not device and not country:
            return []
        at_ms = seen.now.event_time_ms
        return [
            flag
            for flag in seen.flags
            if 0 <= at_ms - flag.event_time_ms <= self.within_days * DAY_MS
            and ((device and self._same_device(flag, seen)) or (country and flag.country == seen.now.country))
        ]

    def _same_device(self, flag: Flag, seen: Features) -> bool:
        return flag.device_id is not None and flag.device_id == seen.device_id

    def _stranger(self, age_ms: int | None) -> bool:
        return age_ms is not None and age_ms < self.trusted_days * DAY_MS
