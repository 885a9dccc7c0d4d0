"""What the card stage tells the terminal stage: a transaction somewhat above its card's habit, and where.

One such transaction means nothing. Many of different cards at one terminal do, and no card's window can see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from analyzer.core.detect import Judged, Outcome
from analyzer.core.model import Transaction, Verdict
from analyzer.core.rules.amount_outlier import z_score
from analyzer.core.units import Count, Deviations, LogAmount, YesNo
from analyzer.core.window import CardWindow


class Sighting(NamedTuple):
    """A judged transaction, as the terminal stage needs it; the fields are those of `schemas/sighting.avsc`."""

    transaction_id: str
    card_id: str
    card_last_four: str
    user_id: str
    event_time_ms: int
    amount_minor: int
    currency: str
    merchant_id: str
    merchant_name: str
    merchant_category: str
    country: str
    terminal_id: str | None
    """None: online."""

    amount_z: float
    """Standard deviations of ln(amount) above the card's mean."""

    score: float
    """What the card's own rules say, 0 to 1."""

    flagged: bool
    """Whether they flagged it: then it is evidence here, and is not notified again."""

    @property
    def terminal(self) -> str:
        """Whose window it belongs to: the terminal's, or the merchant's when it was online."""
        return self.terminal_id or self.merchant_id


@dataclass(frozen=True, slots=True)
class Sight:
    """Transactions somewhat above the card's habit, which mean nothing alone; the fields are the thresholds."""

    least_z: Deviations
    """Standard deviations of ln(amount) above the card's mean; no more than the terminals' rule needs."""

    least_history: Count
    """Approved transactions without which a card has no habit."""

    least_sd: LogAmount
    """As in amount_outlier."""

    online: YesNo
    """Whether purchases online are sighted, by merchant: a web shop serves everyone, so there it is common."""

    def sight(
        self, before: CardWindow, after: CardWindow, transaction: Transaction, outcome: Outcome
    ) -> tuple[CardWindow, Sighting | None]:
        """Return the card's window after the record, the sighting counted in it, and the sighting if it is one.

        Args:
            before: what was known of the card before the record.
            after: as the judge left it.
            transaction: the record's content.
            outcome: what the record was; only what was judged is sighted.
        """
        if not isinstance(outcome, Judged) or before.habit.count < self.least_history:
            return after, None
        if transaction.terminal_id is None and not self.online:
            return after, None
        z = z_score(before.habit, transaction.amount_minor, self.least_sd)
        if z < self.least_z:
            return after, None
        return after._replace(sighted=after.sighted + 1), sighting(transaction, z, outcome.verdict)


def sighting(transaction: Transaction, amount_z: float, verdict: Verdict) -> Sighting:
    """Return the sighting of a transaction."""
    return Sighting(
        transaction_id=transaction.transaction_id,
        card_id=transaction.card_id,
        card_last_four=transaction.card_last_four,
        user_id=transaction.user_id,
        event_time_ms=transaction.event_time_ms,
        amount_minor=transaction.amount_minor,
        currency=transaction.currency,
        merchant_id=transaction.merchant_id,
        merchant_name=transaction.merchant_name,
        merchant_category=transaction.merchant_category,
        country=transaction.country,
        terminal_id=transaction.terminal_id,
        amount_z=amount_z,
        score=verdict.score,
        flagged=verdict.flagged,
    )
