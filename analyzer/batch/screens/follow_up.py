"""Where follow_up may find something on a card of which something was flagged."""

from __future__ import annotations

from analyzer.batch.columns import BoolArray
from analyzer.batch.figures import Figures
from analyzer.core.model import DAY_MS
from analyzer.core.rules.follow_up import FollowUp


def follow_up(rule: FollowUp, seen: Figures) -> BoolArray:
    """Return where a device or country is not the holder's own yet."""
    trusted_ms = rule.trusted_days * DAY_MS
    country, device = seen.country_age_ms, seen.device_age_ms
    return ((country >= 0) & (country < trusted_ms)) | ((device >= 0) & (device < trusted_ms))
