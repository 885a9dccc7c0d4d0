"""The memory that the lanes share for the events that they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_BYTES: Final = 64 * 1024 * 1024
"""Bytes of events above which each lane holds but a little, and leaves the others on disk."""


@dataclass(slots=True)
class Memory:
    """How much of it is taken. An event counts for each lane that holds it: read from disk, each has its own."""

    most_bytes: int = MOST_BYTES
    held_bytes: int = 0

    @property
    def short(self) -> bool:
        """Whether lanes are to hold but a little."""
        return self.held_bytes >= self.most_bytes
