"""Times as the API has them: seconds since 1970, or ISO 8601. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

_LAST_S: Final = 253_402_300_799
"""The last second of the year 9999."""


def milliseconds(value: Any) -> int | None:
    """Return a time as milliseconds since 1970, or None when it is none between the years 1970 and 9999.

    Args:
        value: seconds since 1970, as a number or its text, or ISO 8601 (without an offset: UTC).
    """
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LAST_S:
        return None
    return round(value * 1000)


def _of_text(text: str) -> int | None:
    try:
        return milliseconds(float(text))
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
        return milliseconds((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def seconds(time_ms: int) -> float:
    """Return a time as the API answers it."""
    return time_ms / 1000


@lru_cache(maxsize=64)
def iso(time_s: int) -> str:
    """Return a time as an event has it: whole seconds, Z."""
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
