"""Where velocity may find something."""

from __future__ import annotations

from analyzer.batch.columns import BoolArray
from analyzer.batch.figures import Figures
from analyzer.core.model import HOUR_MS
from analyzer.core.rules.velocity import Velocity


def velocity(rule: Velocity, seen: Figures) -> BoolArray:
    """Return where a window holds too many transactions, of which some may be one purchase tried again."""
    many = (seen.short_count > rule.limit_10_minutes) | (seen.hour_count > rule.limit_hour)
    some = (seen.hour_count > rule.limit_hour_above_habit) & (seen.habit.count >= rule.least_history)
    if some.any():
        mean = seen.mean_ln_amount(seen.within(HOUR_MS))
        some &= seen.above_habit(mean, rule.least_sd, rule.above_habit_z)
    return many | some
