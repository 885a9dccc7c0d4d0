"""Too many transactions in a short time: a stolen card is used as fast as possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analyzer.core.features import Features, Span
from analyzer.core.model import Finding, Transaction
from analyzer.core.rules.base import graded


@dataclass(frozen=True, slots=True)
class Velocity:
    """More transactions of one card than a person makes."""

    name: ClassVar[str] = "velocity"

    limit_10_minutes: int = 4
    """Transactions in 10 minutes that are still ordinary."""

    limit_hour: int = 7
    """Transactions in an hour that are still ordinary."""

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:  # noqa: ARG002 - windows suffice
        """Return a finding when either window holds more than its limit."""
        found = [
            self._finding(span, limit)
            for span, limit in ((seen.ten_minutes, self.limit_10_minutes), (seen.hour, self.limit_hour))
            if span.count > limit
        ]
        return max(found, key=lambda finding: finding.score, default=None)

    def _finding(self, span: Span, limit: int) -> Finding:
        return Finding(
            rule=self.name,
            reason="more transactions in a short time than a person makes",
            evidence=f"{span.count} transactions in {span.seconds:.0f} s, limit {limit}",
            observed=span.count,
            threshold=limit,
            score=graded(span.count, limit + 1, 2 * limit, (0.45, 0.9)),
        )
