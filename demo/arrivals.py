"""What a routing rule has delivered: events as they are found at one of its targets, and in its dead-letter queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivered:
    """One event at a target."""

    notification_id: str
    transaction_id: str
    time_ms: int
    """When it came, in ms since 1970."""


Look = Callable[[], list[Delivered]]
"""Returns what has come since its last call, repeats included."""


class Arrivals:
    """What has come to one target so far."""

    def __init__(self, name: str, arrived: Look, dead: Look = list, *, timed: bool = True) -> None:
        """Look at the target `name` with `arrived`, and into its dead-letter queue with `dead`.

        `timed`: `time_ms` of its events is when they came, and not when they were found there.
        """
        self.name, self.timed = name, timed
        self._arrived, self._dead = arrived, dead
        self.times_ms: dict[str, int] = {}
        """When each distinct notification came first, by its id."""
        self.records = 0
        """Events, repeats included."""
        self.dead: set[str] = set()
        """Ids of the notifications in its dead-letter queue."""

    def look(self) -> list[Delivered]:
        """Take in what has come since the last look, and return what had not come before."""
        self.dead |= {event.notification_id or "a dead letter without a notification id" for event in self._dead()}
        first = []
        for event in self._arrived():
            self.records += 1
            # One without an id is no notification's: the ledger lists it as delivered from nowhere.
            notification_id = event.notification_id or f"event {self.records}, without a notification id"
            if notification_id not in self.times_ms:
                self.times_ms[notification_id] = event.time_ms
                first.append(event)
        return first


def delivered(message: str, time_ms: int) -> Delivered:
    """Return what an event says of itself; ids are empty when it is no suspicious activity.

    Raises:
        ValueError: it is not JSON.
    """
    found = json.loads(message)
    for name in ("detail", "value", "eventDetail"):
        found = found.get(name) if isinstance(found, dict) else None
    ids = found if isinstance(found, dict) else {}
    return Delivered(str(ids.get("notificationId", "")), str(ids.get("transactionId", "")), time_ms)
