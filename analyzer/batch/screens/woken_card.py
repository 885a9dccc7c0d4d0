"""Where woken_card may find something."""

from __future__ import annotations

from analyzer.batch.columns import BoolArray
from analyzer.batch.figures import Figures
from analyzer.core.model import DAY_MS, HOUR_MS
from analyzer.core.rules.woken_card import WokenCard


def woken_card(rule: WokenCard, seen: Figures) -> BoolArray:
    """Return where a card that slept is used too often, or for more than usual."""
    since_ms = seen.event_time_ms - seen.silence_until_ms
    slept_ms = seen.silence_until_ms - seen.silence_from_ms
    awake = (since_ms >= 0) & (since_ms <= rule.awake_hours * HOUR_MS) & (seen.silence_until_ms >= 0)
    found = awake & (slept_ms >= rule.least_silence_days * DAY_MS)
    if not found.any():
        return found
    since = seen.within(DAY_MS) & (seen.pairs.age_ms <= since_ms[seen.pairs.row])
    above = seen.above_habit(seen.mean_ln_amount(since), rule.least_sd, rule.above_habit_z)
    return found & ((above & (seen.habit.count >= rule.least_history)) | (1 + seen.count(since) > rule.limit))
