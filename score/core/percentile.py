"""Percentiles that occurred."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def percentile(values: Iterable[float], percent: float) -> float | None:
    """Return the smallest value that at least `percent` per cent do not exceed; None without values."""
    ordered: Sequence[float] = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
