"""Forgets old events: the newest stay to be asked about, and all with open deliveries, so the file stays small.

How many stay is bounded in number and in bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog

from eventbus.delivery.kept import Kept
from eventbus.store import Store, journal

_CHUNK: Final = 500
"""Events that are deleted in one change: few enough that an acceptance hardly waits for it."""
_LATE: Final = 50
"""Events that were left out and are settled now, before they are deleted: each may be large."""

_log = structlog.get_logger(__name__)


class Pruner:
    """Sweeps once from the oldest event to the newest that needn't be kept, and goes on as new ones come.

    An event that has an open delivery when the sweep comes by is deleted later, when that is settled.
    """

    def __init__(self, store: Store, known: journal.Opened, *, keep: int, keep_bytes: int) -> None:
        """Begin at the oldest event; `keep` is how many of the newest stay, `keep_bytes` how many bytes of them."""
        self._store, self._keep, self._keep_bytes = store, keep, keep_bytes
        self._swept, self._newest = known.oldest_seq - 1, known.event_seq
        self._kept = Kept(known.sizes)
        self._late: set[int] = set()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def accepted(self, newest_seq: int, size: int) -> None:
        """Note the number of the newest event, and the bytes of all that are new."""
        self._newest = max(self._newest, newest_seq)
        self._kept.add(newest_seq, size)
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
        due = self._newest - self._keep - self._swept >= _CHUNK or self._too_large or len(self._late) >= _LATE
        if due and self._task is None and not self._closed:
            self._task = asyncio.get_running_loop().create_task(self._sweep())

    @property
    def _too_large(self) -> bool:
        return self._kept.bytes > self._keep_bytes

    async def _sweep(self) -> None:
        late = [self._late.pop() for _ in range(min(_CHUNK, len(self._late)))]
        after, until = self._swept, max(self._newest - self._keep, self._kept.oldest if self._too_large else 0)
        try:
            if until > after:
                self._swept = await self._store.write(lambda db: journal.sweep(db, after, until, _CHUNK))
                self._kept.swept(self._swept)
            if late:
                await self._store.write(lambda db: journal.sweep_these(db, late))
        except Exception as error:  # noqa: BLE001 - of whatever kind, the next sweep may do better
            self._late.update(late)
            _log.warning("can't forget old events", error=repr(error))
            self._task = None  # the next event tries again
            return
        self._task = None
        self._go()
