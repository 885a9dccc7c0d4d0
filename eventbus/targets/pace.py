"""A rate limit: so many calls a second, with a short burst. Pure: the time is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BURST_S: Final = 0.1
"""Calls saved up in this many seconds of rest may go at once; one may always."""


@dataclass(slots=True)
class Pace:
    """A token bucket, kept as the time at which it is full again."""

    per_second: int
    full_at_s: float = 0.0

    def take(self, now_s: float) -> float:
        """Count one call and return 0, or return the seconds until one may go and count nothing."""
        burst = max(self.per_second * BURST_S, 1.0)
        delay_s = self.full_at_s - (burst - 1) / self.per_second - now_s
        if delay_s > 0:
            return delay_s
        self.full_at_s = max(self.full_at_s, now_s) + 1 / self.per_second
        return 0.0
