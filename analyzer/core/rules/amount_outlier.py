"""An amount far above the card's own habit."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import ClassVar

from analyzer.core import money
from analyzer.core.features import Features
from analyzer.core.model import Finding, Transaction
from analyzer.core.rules.base import graded
from analyzer.core.units import Count, Deviations, LogAmount, Minor, Scores
from analyzer.core.window import Habit, ln_amount


@dataclass(frozen=True, slots=True)
class AmountOutlier:
    """An amount whose logarithm lies many standard deviations above the card's mean."""

    name: ClassVar[str] = "amount_outlier"
    needs: ClassVar[frozenset[str]] = frozenset()

    limit_z: Deviations
    """Standard deviations above the mean that are still ordinary."""

    least_history: Count
    """Approved transactions without which a card has no habit."""

    least_sd: LogAmount
    """Standard deviation of ln(amount) taken for a card that always spends the same."""

    least_amount_minor: Minor
    """Amounts up to this are never outliers: a card used for coffee may buy lunch."""

    scores: Scores
    """At the limit, and at twice the limit."""

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:
        """Return a finding when the amount is too far above the habit."""
        if seen.habit.count < self.least_history or transaction.amount_minor <= self.least_amount_minor:
            return None
        z = z_score(seen.habit, transaction.amount_minor, self.least_sd)
        if z <= self.limit_z:
            return None
        usual = money.words(exp(seen.habit.mean) - 1, transaction.currency)
        amount = money.words(transaction.amount_minor, transaction.currency)
        return Finding(
            rule=self.name,
            reason="an amount far above the card's own habit",
            evidence=(
                f"{amount} is {z:.1f} standard deviations above the usual {usual}"
                f" of {seen.habit.count} transactions, limit {self.limit_z:g}"
            ),
            observed=z,
            threshold=self.limit_z,
            score=graded(z, self.limit_z, 2 * self.limit_z, self.scores),
        )


def z_score(habit: Habit, amount_minor: int, least_sd: float) -> float:
    """Return how many standard deviations ln(amount + 1) lies above the habit's mean."""
    return (ln_amount(amount_minor) - habit.mean) / max(habit.sd, least_sd)
