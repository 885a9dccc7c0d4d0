"""Where card_testing may find something."""

from __future__ import annotations

from analyzer.batch.columns import BoolArray
from analyzer.batch.figures import Figures
from analyzer.core.features import SHORT_MS
from analyzer.core.model import HOUR_MS
from analyzer.core.rules.card_testing import CardTesting


def card_testing(rule: CardTesting, seen: Figures) -> BoolArray:
    """Return where there are too many small ones, online or not, and enough of them declined."""
    small = (seen.amount_minor <= rule.small_minor) & (seen.short_count > rule.limit)
    large = (seen.amount_minor >= rule.large_minor) & (seen.hour_count > rule.limit)
    if small.any():
        small &= _tested(rule, seen, SHORT_MS)
    if large.any():
        large &= _tested(rule, seen, HOUR_MS)
    return small | large


def _tested(rule: CardTesting, seen: Figures, span_ms: int) -> BoolArray:
    now = seen.amount_minor <= rule.small_minor
    tests = seen.within(span_ms) & (seen.pair_amount_minor <= rule.small_minor)
    declined = (now & ~seen.approved) + seen.count(tests & ~seen.pair_approved)
    return (now + seen.count(tests) > rule.limit) & (declined >= rule.least_declined)
