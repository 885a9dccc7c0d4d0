"""Where first_seen may find something."""

from __future__ import annotations

from typing import Final

import numpy as np

from analyzer.batch.columns import BoolArray
from analyzer.batch.figures import Figures, young
from analyzer.core.model import HOUR_MS
from analyzer.core.rules.first_seen import FirstSeen

_MARGIN_HOURS: Final = 1e-6
_HOURS_PER_DAY: Final = 24
_DEGREES_PER_HOUR: Final = 15


def first_seen(rule: FirstSeen, seen: Figures) -> BoolArray:
    """Return where a country or device is new and there is enough other evidence."""
    most_ms = rule.young_hours * HOUR_MS
    country, device = young(seen.country_age_ms, most_ms), young(seen.device_age_ms, most_ms)
    new = (country | device) & (seen.judged >= rule.least_history)
    if not new.any():
        return new
    evidence = (
        (country & device).astype(np.int64)
        + seen.above_habit(seen.ln_amount, rule.least_sd, rule.limit_z)
        + _night(rule, seen)
        + (country & ~seen.card_present)
        + (seen.hour_count > rule.limit_hour)
        + (seen.hour_declined > 0)
    )
    return new & (evidence >= rule.least_evidence)


def _night(rule: FirstSeen, seen: Figures) -> BoolArray:
    east = np.where(seen.has_place, seen.longitude, 0.0)
    hour = (seen.event_time_ms / HOUR_MS + east / _DEGREES_PER_HOUR) % _HOURS_PER_DAY
    return (hour < rule.night_until_hour + _MARGIN_HOURS) | (hour > _HOURS_PER_DAY - _MARGIN_HOURS)
