"""Looks up what became of events. See `eventbus.explain`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from eventbus.arn import parse
from eventbus.catalogue import Catalogue
from eventbus.delivery.fate import State
from eventbus.explain import Surroundings, explained, unmatched
from eventbus.store import Store, journal

_CHUNK: Final = 20_000
"""Events that are searched in one read: other reads wait for it."""
_RECENT: Final = 20
"""Most events that are listed as unmatched."""


class Why:
    """Answers for the pages below `/_bus`."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        *,
        clock_ms: Callable[[], int],
        paused_until_ms: Callable[[str, str], int],
    ) -> None:
        """Read all; change nothing. `paused_until_ms` gives the end of the pause of a rule's target, by ARN and id."""
        self._store, self._catalogue = store, catalogue
        self._clock_ms, self._paused_until_ms = clock_ms, paused_until_ms

    async def explain(self, event_id: str) -> dict[str, Any] | None:
        """Return what became of the event of that id, the latest occurrence first; None: it isn't known.

        Raises:
            StorageError: the disk fails.
        """
        lowest, highest = await self._store.read(journal.bounds)
        found: list[tuple[Mapping[str, Any], Surroundings]] = []
        for until in range(highest, lowest - 1, -_CHUNK):
            rows = await self._store.read(partial(journal.find, event_id=event_id, above=until - _CHUNK, until=until))
            found += [
                ({**row, "made": [self._timed(delivery) for delivery in row["made"]]}, self._around(row["bus_arn"]))
                for row in rows
            ]
        if not found:
            return None
        occurrences = await asyncio.to_thread(lambda: [explained(row, around) for row, around in found])
        return {"event": event_id, "occurrences": occurrences}

    async def unmatched(self) -> Sequence[dict[str, Any]]:
        """Return the latest events that went to no target, and why, the latest first.

        Raises:
            StorageError: the disk fails.
        """
        rows = await self._store.read(lambda db: journal.unmatched(db, _RECENT))
        found = [(row, self._around(row["bus_arn"])) for row in rows]
        return await asyncio.to_thread(lambda: [unmatched(row, around) for row, around in found])

    def _timed(self, delivery: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a delivery with the times that only memory knows; what is past has none."""
        now_ms, waits = self._clock_ms(), delivery["state"] == State.OPEN
        paused_ms = self._paused_until_ms(delivery["rule_arn"], delivery["target_id"]) if waits else 0
        due_ms = max(delivery["due_ms"], paused_ms) if delivery["settled_ms"] is None else 0
        return {
            **delivery,
            "next_ms": due_ms if due_ms > now_ms else None,
            "paused_ms": paused_ms if paused_ms > now_ms else None,
        }

    def _around(self, bus_arn: str) -> Surroundings:
        arn = parse(bus_arn)
        buses = self._catalogue.buses(arn.scope) if arn else []
        return Surroundings(
            self._catalogue.bus(bus_arn), self._catalogue.rules_of(bus_arn), [bus.name for bus in buses]
        )
