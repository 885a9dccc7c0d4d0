"""Where strange_device may find something."""

from __future__ import annotations

import numpy as np

from analyzer.batch.columns import BoolArray, FloatArray, IntArray
from analyzer.batch.figures import MARGIN, Figures, above, young
from analyzer.batch.rounds import Habits
from analyzer.core.model import DAY_MS
from analyzer.core.rules.strange_device import StrangeDevice


def strange_device(rule: StrangeDevice, seen: Figures) -> BoolArray:
    """Return where what was bought with a young device may lie too far above all else."""
    found = young(seen.device_age_ms, rule.young_days * DAY_MS)
    at = np.flatnonzero(found)
    usual, before, value = _without(seen, at), seen.device_habit.of(at), seen.ln_amount[at]
    count = before.count + 1
    mean = before.mean + (value - before.mean) / count
    sd = np.maximum(usual.sd(), rule.least_sd)
    far = ~((mean - usual.mean + MARGIN) * np.sqrt(count) * (1 + MARGIN) <= rule.limit_z * sd)
    found[at] = (
        (usual.count >= rule.least_history) & far & above(value, usual.mean, usual.sd(), rule.least_sd, rule.least_z)
    )
    return found


def _without(seen: Figures, at: IntArray) -> Habits:
    """Return what `Habit.without` does."""
    whole, part = seen.habit.of(at), seen.device_habit.of(at)
    left = whole.count - part.count
    count: IntArray = np.maximum(left, 1)
    mean = (whole.count * whole.mean - part.count * part.mean) / count
    apart = (part.mean - mean) ** 2 * part.count * count / np.maximum(whole.count, 1)
    m2: FloatArray = np.maximum(0.0, whole.m2 - part.m2 - apart)
    some = left > 0
    return Habits(np.maximum(left, 0), np.where(some, mean, 0.0), np.where(some, m2, 0.0))
