"""A card that nobody used for weeks, and that is used often at once."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean as mean
from typing import ClassVar

from analyzer.core.features import Features
from analyzer.core.model import DAY_MS, HOUR_MS, Finding, Transaction
from analyzer.core.rules.amount_outlier import z_score
from analyzer.core.rules.base import graded
from analyzer.core.units import Count, Days, Deviations, Hours, LogAmount, Scores
from analyzer.core.window import QUIET_MS, Silence


@dataclass(frozen=True, slots=True)
class WokenCard:
    """Nobody looks at the statements of a card that sleeps; whoever wakes it hurries.

    Silences of less than seven days are not remembered, and of what came after one, the last 24 hours are seen.
    """

    name: ClassVar[str] = "woken_card"
    needs: ClassVar[frozenset[str]] = frozenset()

    least_silence_days: Days
    """Time without a transaction after which a card has slept; at least 7."""

    awake_hours: Hours
    """Time since it woke for which transactions are counted; at most 24."""

    limit: Count
    """Transactions since it woke that are still ordinary."""

    above_habit_z: Deviations
    """Standard deviations of ln(amount) above the habit, in the mean since it woke, that are above it."""

    least_history: Count
    """Approved transactions without which a card has no habit."""

    least_sd: LogAmount
    """As in amount_outlier."""

    scores: Scores
    """At one transaction more than the limit, and at four more."""

    scores_above_habit: Scores
    """The same where they are above the habit, in which case the limit is 0."""

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:
        """Return a finding for too many transactions after a long silence."""
        silence = self._silence(seen)
        if silence is None:
            return None
        since = [one.amount_minor for one in seen.day.transactions if one.event_time_ms >= silence.until_ms]
        z = mean(z_score(seen.habit, amount, self.least_sd) for amount in since)
        above = z > self.above_habit_z and seen.habit.count >= self.least_history
        limit, scores = (0, self.scores_above_habit) if above else (self.limit, self.scores)
        if len(since) <= limit:
            return None
        days = (silence.until_ms - silence.from_ms) / DAY_MS
        total = f"{len(since)} transactions in {(transaction.event_time_ms - silence.until_ms) / HOUR_MS:.1f} h"
        words = f", in the mean {z:.1f} standard deviations above habit" if above else ""
        return Finding(
            rule=self.name,
            reason="a card that was not used for long is used at once",
            evidence=f"{total} after {days:.0f} days without any{words}, limit {limit}",
            observed=len(since),
            threshold=limit,
            score=graded(len(since), limit + 1, limit + 4, scores),
        )

    def _silence(self, seen: Features) -> Silence | None:
        """Return the silence that this transaction ends or follows soon."""
        at_ms, newest_ms = seen.now.event_time_ms, seen.newest_ms
        if newest_ms is not None and at_ms - newest_ms >= QUIET_MS:
            silence = Silence(newest_ms, at_ms)
        elif (known := seen.silence) and 0 <= at_ms - known.until_ms <= self.awake_hours * HOUR_MS:
            silence = known
        else:
            return None
        return silence if silence.until_ms - silence.from_ms >= self.least_silence_days * DAY_MS else None
