"""Arithmetic that every bench uses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return the smallest value that at least `percent` of the values don't exceed (nearest rank); None of none."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None


def middle(values: Sequence[float | None]) -> float | None:
    """Return the median of the values that are there."""
    there = [value for value in values if value is not None]
    return median(there) if there else None


def spread(values: Sequence[float]) -> float:
    """Return how far apart the values are: largest less smallest, as a share of the median; 0 of none."""
    centre = middle(values)
    return (max(values) - min(values)) / centre if centre else 0.0
