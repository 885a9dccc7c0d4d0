"""Looks up what became of events. See `eventbus.explain`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from eventbus.arn import parse
from eventbus.catalogue import Catalogue
from eventbus.explain import Surroundings, explained, unmatched
from eventbus.store import Store, journal

_CHUNK: Final = 20_000
"""Events that are searched in one read: other reads wait for it."""
_RECENT: Final = 20
"""Most events that are listed as unmatched."""


class Why:
    """Answers for the pages below `/_bus`."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        """Read both; change nothing."""
        self._store, self._catalogue = store, catalogue

    async def explain(self, event_id: str) -> dict[str, Any] | None:
        """Return what became of the event of that id, the latest occurrence first; None: it isn't known.

        Raises:
            StorageError: the disk fails.
        """
        lowest, highest = await self._store.read(journal.bounds)
        found: list[tuple[Mapping[str, Any], Surroundings]] = []
        for until in range(highest, lowest - 1, -_CHUNK):
            rows = await self._store.read(partial(journal.find, event_id=event_id, above=until - _CHUNK, until=until))
            found += [(row, self._around(row["bus_arn"])) for row in rows]
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

    def _around(self, bus_arn: str) -> Surroundings:
        arn = parse(bus_arn)
        buses = self._catalogue.buses(arn.scope) if arn else []
        return Surroundings(
            self._catalogue.bus(bus_arn), self._catalogue.rules_of(bus_arn), [bus.name for bus in buses]
        )
