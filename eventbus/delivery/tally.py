"""Counts of one lane: what its deliveries came to. They are kept on disk and outlive the deliveries' rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from eventbus.delivery.fate import State

_MESSAGE: Final = 1000
"""Most characters of an error's message that are kept."""


@dataclass(slots=True)
class Tally:
    """Counts of all runs."""

    delivered: int = 0
    dead_lettered: int = 0
    given_up: int = 0
    removed: int = 0
    """Deliveries whose rule or target was removed before their end."""
    retried: int = 0
    """Attempts after the first ones."""
    error_ms: int | None = None
    error_code: str | None = None
    error_message: str | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Tally:
        """Return the counts in a row of the table `lane`."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    def end(self, state: State, count: int = 1) -> None:
        """Count deliveries that came to their end."""
        if state is State.DELIVERED:
            self.delivered += count
        elif state is State.DEAD_LETTERED:
            self.dead_lettered += count
        elif state is State.GIVEN_UP:
            self.given_up += count
        elif state is State.REMOVED:
            self.removed += count

    def error(self, code: str, message: str, now_ms: int) -> None:
        """Remember the last failure."""
        self.error_ms, self.error_code, self.error_message = now_ms, code, message[:_MESSAGE]

    def row(self, lane: int) -> tuple[Any, ...]:
        """Return the counts as `journal.settle` takes them."""
        counts = (self.delivered, self.dead_lettered, self.given_up, self.removed, self.retried)
        return (*counts, self.error_ms, self.error_code, self.error_message, lane)


def shortened(message: str) -> str:
    """Return as much of an error's message as is kept."""
    return message[:_MESSAGE]
