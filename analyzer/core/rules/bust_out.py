"""A card that is used like any other for a while, and then for all that it is good for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp
from typing import ClassVar

from analyzer.core import money
from analyzer.core.features import Features
from analyzer.core.model import HOUR_MS, Finding, RecentTransaction, Transaction
from analyzer.core.rules.base import graded
from analyzer.core.units import Count, Scores, Times
from analyzer.core.window import ln_amount


@dataclass(frozen=True, slots=True)
class BustOut:
    """One sofa is a purchase; several in a day, each many times what the card was used for until then, are a bust.

    The usual amount is that of all approved transactions before the day: the bust doesn't make itself usual.
    """

    name: ClassVar[str] = "bust_out"
    needs: ClassVar[frozenset[str]] = frozenset()

    least_history: Count
    """Approved transactions before the day without which nothing is usual."""

    large_times: Times
    """From this many times the usual amount on, one is large."""

    limit: Count
    """Large ones in 24 hours that are still ordinary."""

    scores: Scores
    """At one large one more than the limit, and at four more."""

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:
        """Return a finding when this transaction is one large one too many."""
        if seen.day_count <= self.limit or seen.habit.count < self.least_history:
            return None
        if ln_amount(transaction.amount_minor) <= seen.habit.mean:
            return None  # nothing large, even where the day has become a part of the habit
        count, usual = _before_the_day(seen)
        large_minor = usual * self.large_times
        if count < self.least_history or transaction.amount_minor < large_minor:
            return None
        large = _purchases(one for one in seen.day.transactions if one.amount_minor >= large_minor)
        if len(large) <= self.limit:
            return None
        hours = (large[-1].event_time_ms - large[0].event_time_ms) / HOUR_MS
        total = money.words(sum(one.amount_minor for one in large), transaction.currency)
        return Finding(
            rule=self.name,
            reason="several purchases in a day that are each many times what the card was used for before",
            evidence=(
                f"{len(large)} purchases in {hours:.1f} h, {total} in all, each at least {self.large_times:g} times"
                f" the usual {money.words(usual, transaction.currency)} of {count} before the day,"
                f" limit {self.limit}"
            ),
            observed=len(large),
            threshold=self.limit,
            score=graded(len(large), self.limit + 1, self.limit + 4, self.scores),
        )


def _purchases(transactions: Iterable[RecentTransaction]) -> list[RecentTransaction]:
    """Return one of each purchase, its last: a declined one that is tried again is the same."""
    return list({(one.merchant_id, one.amount_minor): one for one in transactions}.values())


def _before_the_day(seen: Features) -> tuple[int, float]:
    """Return how many approved transactions there were before the day, and their usual amount in minor units."""
    today = [ln_amount(one.amount_minor) for one in seen.before if one.approved]
    count = seen.habit.count - len(today)
    if count <= 0:
        return 0, 0.0
    return count, exp((seen.habit.count * seen.habit.mean - sum(today)) / count) - 1
