"""Stolen card data is tried with small amounts before it is used for a large one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from analyzer.core import money
from analyzer.core.features import Features, Span
from analyzer.core.model import Finding, RecentTransaction, Transaction
from analyzer.core.rules.base import graded
from analyzer.core.units import Count, Minor, Scores, Share

DIGITAL_CATEGORIES: Final = frozenset({"5815", "5947"})
"""MCC of digital goods and of gift cards, where stolen data is tried."""


@dataclass(frozen=True, slots=True)
class CardTesting:
    """Many small authorisations online, some declined; and the large one that follows."""

    name: ClassVar[str] = "card_testing"
    needs: ClassVar[frozenset[str]] = frozenset({"channel", "approved"})

    limit: Count
    """Small authorisations in 10 minutes that are still ordinary."""

    small_minor: Minor
    """Largest amount of a test."""

    least_declined: Count
    """Declined ones without which it is shopping: not all data that is tried is good."""

    large_minor: Minor
    """Amount from which one that follows within an hour is what the tests were for."""

    scores: Scores
    """At one test more than the limit, and at twice the limit."""

    score_large: Share
    """Of the large one that follows."""

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:
        """Return a finding for the test that is one too many, and for the large one that follows."""
        if self._is_test(seen.now):
            return self._finding(seen.ten_minutes, transaction)
        if transaction.amount_minor >= self.large_minor:
            return self._finding(seen.hour, transaction)
        return None

    def _is_test(self, one: RecentTransaction) -> bool:
        online = not one.card_present or one.merchant_category in DIGITAL_CATEGORIES
        return online and one.amount_minor <= self.small_minor

    def _finding(self, span: Span, transaction: Transaction) -> Finding | None:
        if span.count <= self.limit:
            return None
        tests = [one for one in span.transactions if self._is_test(one)]
        declined = sum(not one.approved for one in tests)
        if len(tests) <= self.limit or declined < self.least_declined:
            return None
        seconds = (tests[-1].event_time_ms - tests[0].event_time_ms) / 1000
        large = transaction.amount_minor >= self.large_minor
        followed = f", then {money.words(transaction.amount_minor, transaction.currency)}" if large else ""
        return Finding(
            rule=self.name,
            reason="many small authorisations online, as when stolen card data is tried",
            evidence=(
                f"{len(tests)} authorisations up to {money.words(self.small_minor, transaction.currency)}"
                f" in {seconds:.0f} s, {declined} declined, limit {self.limit}{followed}"
            ),
            observed=len(tests),
            threshold=self.limit,
            score=self.score_large if large else graded(len(tests), self.limit + 1, 2 * self.limit, self.scores),
        )
