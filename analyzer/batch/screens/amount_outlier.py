"""Where amount_outlier may find something."""

from __future__ import annotations

from analyzer.batch.columns import BoolArray
from analyzer.batch.figures import Figures
from analyzer.core.rules.amount_outlier import AmountOutlier


def amount_outlier(rule: AmountOutlier, seen: Figures) -> BoolArray:
    """Return where an amount is large enough, and far enough above a habit."""
    large = (seen.habit.count >= rule.least_history) & (seen.amount_minor > rule.least_amount_minor)
    return large & seen.above_habit(seen.ln_amount, rule.least_sd, rule.limit_z)
