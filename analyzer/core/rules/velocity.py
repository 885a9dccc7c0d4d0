"""Too many transactions in a short time: a stolen card is used as fast as possible."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean as mean
from typing import ClassVar

from analyzer.core.features import Features, Span
from analyzer.core.model import Finding, Transaction
from analyzer.core.rules.amount_outlier import z_score
from analyzer.core.rules.base import graded
from analyzer.core.units import Count, Deviations, LogAmount, Scores


@dataclass(frozen=True, slots=True)
class Velocity:
    """More purchases of one card than a person makes; fewer are enough when they are above its habit."""

    name: ClassVar[str] = "velocity"
    needs: ClassVar[frozenset[str]] = frozenset()

    limit_10_minutes: Count
    """Purchases in 10 minutes that are still ordinary."""

    limit_hour: Count
    """Purchases in an hour that are still ordinary."""

    limit_hour_above_habit: Count
    """Purchases in an hour that are still ordinary when their amounts are above the habit."""

    above_habit_z: Deviations
    """Standard deviations of ln(amount) above the habit, in the mean of the hour, that are above it."""

    least_history: Count
    """Approved transactions without which a card has no habit."""

    least_sd: LogAmount
    """As in amount_outlier."""

    scores: Scores
    """At one more than the limit, and at twice the limit."""

    scores_above_habit: Scores
    """The same for those above the habit."""

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:  # noqa: ARG002 - windows suffice
        """Return the strongest finding of the windows that hold more than their limit."""
        least = self._least_limit()
        if seen.day_count <= least or seen.hour.count <= least:  # the day holds the hour, and others look at it too
            return None
        found = [
            self._finding(seen.ten_minutes, self.limit_10_minutes, self.scores),
            self._finding(seen.hour, self.limit_hour, self.scores),
            self._above_habit(seen),
        ]
        return max((one for one in found if one), key=lambda finding: finding.score, default=None)

    def _least_limit(self) -> int:
        # The hour holds the ten minutes: up to the least of the limits nothing can be found.
        return min(self.limit_10_minutes, self.limit_hour, self.limit_hour_above_habit)

    def _above_habit(self, seen: Features) -> Finding | None:
        if seen.habit.count < self.least_history or seen.hour.count <= self.limit_hour_above_habit:
            return None
        z = mean(z_score(seen.habit, one.amount_minor, self.least_sd) for one in seen.hour.transactions)
        words = f", in the mean {z:.1f} standard deviations above habit"
        return (
            self._finding(seen.hour, self.limit_hour_above_habit, self.scores_above_habit, words)
            if z > self.above_habit_z
            else None
        )

    def _finding(self, span: Span, limit: int, scores: tuple[float, float], words: str = "") -> Finding | None:
        purchases = span.purchases
        if purchases <= limit:
            return None
        return Finding(
            rule=self.name,
            reason="more purchases in a short time than a person makes",
            evidence=f"{purchases} purchases in {span.seconds:.0f} s{words}, limit {limit}",
            observed=purchases,
            threshold=limit,
            score=graded(purchases, limit + 1, 2 * limit, scores),
        )
