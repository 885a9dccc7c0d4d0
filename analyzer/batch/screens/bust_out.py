"""Where bust_out may find something."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzer.batch.columns import BoolArray, FloatArray
from analyzer.batch.figures import Figures
from analyzer.core.model import DAY_MS
from analyzer.core.rules.bust_out import BustOut

_MARGIN: Final = 1e-6


def bust_out(rule: BustOut, seen: Figures) -> BoolArray:
    """Return where there are too many large ones, of which some may be one purchase tried again."""
    busy = (seen.day_count > rule.limit) & (seen.habit.count >= rule.least_history)
    found = busy & (seen.ln_amount > seen.habit.mean)
    if not found.any():
        return found
    today = seen.within(DAY_MS)
    approved = today & seen.pair_approved
    count = np.maximum(seen.habit.count - seen.count(approved), 0)
    large_minor = _usual(seen, approved) * rule.large_times * (1 - _MARGIN) - _MARGIN
    large_minor[count == 0] = 0.0
    found &= (count >= rule.least_history) & (seen.amount_minor >= large_minor)
    large = today & (seen.pair_amount_minor >= large_minor[seen.pairs.row])
    return found & (1 + seen.count(large) > rule.limit)


def _usual(seen: Figures, approved: BoolArray) -> FloatArray:
    """Return the usual amount before the day in minor units, as if there were one transaction at least."""
    count = np.maximum(seen.habit.count - seen.count(approved), 1)
    ln_sum = seen.habit.count * seen.habit.mean - seen.total(approved, seen.pair_ln_amount)
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(ln_sum / count) - 1)
