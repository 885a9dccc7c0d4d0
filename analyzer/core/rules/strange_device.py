"""A device that came to the card not long ago and spends more than the card does elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt
from typing import ClassVar

from analyzer.core import money
from analyzer.core.features import Features
from analyzer.core.model import DAY_MS, Finding, Transaction
from analyzer.core.rules.amount_outlier import z_score
from analyzer.core.rules.base import graded
from analyzer.core.units import Count, Days, Deviations, LogAmount, Scores
from analyzer.core.window import Habit


@dataclass(frozen=True, slots=True)
class StrangeDevice:
    """Who shops with somebody else's card data, now and then, stands out by all purchases of one device together.

    The device's mean of ln(amount) lies above that of all else that was bought with the card; how sure that is
    grows with the square root of the number of purchases.
    """

    name: ClassVar[str] = "strange_device"
    needs: ClassVar[frozenset[str]] = frozenset({"device"})

    young_days: Days
    """Time since its first use until which a device may be a stranger's."""

    least_history: Count
    """Approved transactions without this device that make a habit."""

    least_sd: LogAmount
    """As in amount_outlier."""

    least_z: Deviations
    """Standard deviations of ln(amount) above the habit up to which a purchase itself is let pass."""

    limit_z: Deviations
    """Standard errors of the device's mean above the habit that are still ordinary."""

    scores: Scores
    """At the limit, and at twice the limit."""

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:
        """Return a finding when the device's purchases, this one included, lie too far above the habit."""
        age_ms = seen.device_age_ms
        if age_ms is None or age_ms > self.young_days * DAY_MS:
            return None
        before = seen.device.habit if seen.device else Habit()
        usual = seen.habit.without(before)
        if usual.count < self.least_history or z_score(usual, transaction.amount_minor, self.least_sd) <= self.least_z:
            return None
        with_it = before.with_amount(transaction.amount_minor)
        z = (with_it.mean - usual.mean) / max(usual.sd, self.least_sd) * sqrt(with_it.count)
        if z <= self.limit_z:
            return None
        words = [money.words(exp(mean) - 1, transaction.currency) for mean in (with_it.mean, usual.mean)]
        return Finding(
            rule=self.name,
            reason="a device that is new for the card spends more than the card does otherwise",
            evidence=(
                f"{with_it.count} purchases with a device first used {age_ms / DAY_MS:.1f} days before, usually"
                f" {words[0]}: {z:.1f} standard errors above the usual {words[1]} of {usual.count} other"
                f" transactions, limit {self.limit_z:g}"
            ),
            observed=z,
            threshold=self.limit_z,
            score=graded(z, self.limit_z, 2 * self.limit_z, self.scores),
        )
