"""Where impossible_travel may find something."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzer.batch.columns import BoolArray, FloatArray, IntArray
from analyzer.batch.figures import Figures
from analyzer.core.model import EARTH_RADIUS_KM, SECOND_MS
from analyzer.core.rules.impossible_travel import SECONDS_PER_HOUR, ImpossibleTravel

_MARGIN_KM: Final = 0.02
"""The log remembers places to a few metres."""


def impossible_travel(rule: ImpossibleTravel, seen: Figures) -> BoolArray:
    """Return where the way from the last terminal may have been too fast."""
    found = seen.card_present & seen.has_place & (seen.previous_present >= 0)
    at = np.flatnonzero(found)
    before = seen.previous_present[at]
    km = _km(seen, at, before) + _MARGIN_KM
    seconds = (seen.event_time_ms[at] - seen.log.event_time_ms[before]) / SECOND_MS
    fast = km * SECONDS_PER_HOUR > rule.limit_km_h * np.maximum(seconds, rule.least_seconds)
    found[at] = fast & (km > rule.least_km)
    return found


def _km(seen: Figures, at: IntArray, before: IntArray) -> FloatArray:
    north, other_north = np.radians(seen.latitude[at]), np.radians(seen.log.latitude[before].astype(np.float64))
    east = np.radians(seen.longitude[at] - seen.log.longitude[before])
    half_north, half_east = np.sin((other_north - north) / 2) ** 2, np.sin(east / 2) ** 2
    chord = half_north + np.cos(north) * np.cos(other_north) * half_east
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(1.0, chord))))
