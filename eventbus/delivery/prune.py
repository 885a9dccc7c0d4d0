"""Forgets old events: the newest stay to be asked about, and all with open deliveries, so the file stays small."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog

from eventbus.store import StorageError, Store, journal

_CHUNK: Final = 500
"""Events that are deleted in one change: few enough that an acceptance hardly waits for it."""

_log = structlog.get_logger(__name__)


class Pruner:
    """Sweeps once from the oldest event to the newest that needn't be kept, and goes on as new ones come.

    An event that has an open delivery when the sweep comes by is deleted later, when that is settled.
    """

    def __init__(self, store: Store, *, keep: int, oldest_seq: int, newest_seq: int) -> None:
        """Begin at the oldest event; `keep` is how many of the newest stay."""
        self._store, self._keep = store, keep
        self._swept, self._newest = oldest_seq - 1, newest_seq
        self._late: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def accepted(self, newest_seq: int) -> None:
        """Note the number of the newest event."""
        self._newest = max(self._newest, newest_seq)
        self._go()

    def settled(self, event_seqs: Iterable[int]) -> None:
        """Note events one of whose deliveries came to its end."""
        self._late.update(seq for seq in event_seqs if seq <= self._swept)
        self._go()

    async def close(self) -> None:
        """Begin no other chunk, and wait for the one under way."""
        self._closed = True
        if self._task:
            await self._task

    def _go(self) -> None:
        if self._task is None and not self._closed and (self._due >= _CHUNK or len(self._late) >= _CHUNK):
            self._task = asyncio.get_running_loop().create_task(self._sweep())

    @property
    def _due(self) -> int:
        return self._newest - self._keep - self._swept

    async def _sweep(self) -> None:
        late = [self._late.pop() for _ in range(min(_CHUNK, len(self._late)))]
        after, until = self._swept, self._newest - self._keep
        try:
            if until > after:
                self._swept = await self._store.write(lambda db: journal.sweep(db, after, until, _CHUNK))
            if late:
                await self._store.write(lambda db: journal.sweep_these(db, late))
        except StorageError as error:
            self._late.update(late)
            _log.warning("can't forget old events", error=str(error))
            self._task = None  # the next event tries again
            return
        self._task = None
        self._go()
