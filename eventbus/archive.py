"""Archives: which events they take, how much they hold, and what they keep too long.

For the intake: `Archives.rows(event)` gives what is to be written with the event, in the same transaction.
For the API: `size(archive)`, `forget(archive)`. For the application: `prune()` from time to time (`tend` does).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from eventbus.catalogue import Catalogue
from eventbus.model import Archive, Event, Resource
from eventbus.pattern import InvalidPatternError, Pattern, compile_pattern
from eventbus.store import StorageError, Store, archived

_DAY_MS: Final = 86_400_000
_CHUNK: Final = 500
"""Events that are deleted in one change: few enough that an acceptance hardly waits for it."""
_PRUNE_EVERY_S: Final = 600.0

Row = tuple[str, int, int, str]
"""archive_arn, the event's time_ms, kept_ms, body."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ArchiveSize:
    """What an archive holds."""

    events: int
    bytes: int


class Archives:
    """Keeps archived events."""

    def __init__(self, store: Store, catalogue: Catalogue, clock_ms: Callable[[], int]) -> None:
        """Begin with the archives of the catalogue, and follow its changes."""
        self._store, self._catalogue, self._clock_ms = store, catalogue, clock_ms
        self._takers: dict[str, list[tuple[str, Pattern | None]]] | None = None
        catalogue.listen(self._changed)

    def rows(self, event: Event) -> list[Row]:
        """Return a row for each archive that takes the event.

        None takes one that comes from a replay, or that is meant for certain rules alone.
        """
        if event.replay or event.only_rules is not None:
            return []
        takers = self._by_bus().get(event.bus_arn)
        if not takers:
            return []
        time_ms = _time_ms(event)
        return [
            (arn, time_ms, event.accepted_ms, event.body)
            for arn, pattern in takers
            if pattern is None or pattern.matches(event.fields)
        ]

    async def size(self, archive: Archive) -> ArchiveSize:
        """Return what an archive holds now.

        Raises:
            StorageError: the disk fails.
        """
        return ArchiveSize(*await self._store.read(lambda db: archived.size(db, archive.arn)))

    async def forget(self, archive: Archive) -> None:
        """Delete what a removed archive held.

        Raises:
            StorageError: the disk is full or fails.
        """
        await self._forget(archive.arn)

    async def prune(self) -> int:
        """Delete what archives have kept longer than their retention, and what no archive holds any more.

        Returns how many events that were.

        Raises:
            StorageError: the disk is full or fails.
        """
        total = 0
        for archive in self._catalogue.all(Archive):
            if archive.retention_days:
                total += await self._prune(archive.arn, self._clock_ms() - archive.retention_days * _DAY_MS)
        for arn in await self._store.read(archived.holders):
            total += await self._forget(arn)
        return total

    async def tend(self, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Prune now and then, for ever."""
        while True:
            try:
                if pruned := await self.prune():
                    _log.info("archived events deleted", events=pruned)
            except StorageError as error:
                _log.warning("can't delete old archived events", error=str(error))
            await sleep(_PRUNE_EVERY_S)

    async def _prune(self, archive_arn: str, before_ms: int) -> int:
        total = 0
        while seqs := await self._store.read(lambda db: archived.stale(db, archive_arn, before_ms, _CHUNK)):
            await self._store.write(partial(archived.remove, seqs=seqs))
            total += len(seqs)
        return total

    async def _forget(self, archive_arn: str) -> int:
        """Delete what is there under this ARN, as long as no archive has it."""
        total = 0
        while self._catalogue.archive(archive_arn) is None:
            deleted = await self._store.write(lambda db: archived.forget(db, archive_arn, _CHUNK))
            if not deleted:
                break
            total += deleted
        return total

    def _changed(self, resource: Resource, _there: bool) -> None:  # noqa: FBT001 - as the catalogue calls it
        if isinstance(resource, Archive):
            self._takers = None

    def _by_bus(self) -> dict[str, list[tuple[str, Pattern | None]]]:
        if self._takers is None:
            self._takers = {}
            for archive in self._catalogue.all(Archive):
                try:
                    pattern = compile_pattern(archive.pattern) if archive.pattern else None
                except InvalidPatternError as error:  # it was valid for the version of this program that kept it
                    _log.error("archive takes nothing", archive=archive.arn, error=str(error))
                    continue
                self._takers.setdefault(archive.bus_arn, []).append((archive.arn, pattern))
        return self._takers


def _time_ms(event: Event) -> int:
    """Return the event's own time; it is the sender's, so it may lie anywhere."""
    return int(datetime.fromisoformat(event.fields["time"]).timestamp() * 1000)
