"""Writes what became of deliveries: gathered for a moment, in one transaction, until the disk has taken it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog

from eventbus.delivery.prune import Pruner
from eventbus.delivery.tally import Tally
from eventbus.delivery.timing import Handle, Time
from eventbus.store import StorageError, Store, journal

LINGER_S: Final = 0.02
"""How long results are gathered. What a crash takes meanwhile is sent again: more costs duplicates, less disk."""
_MANY: Final = 500
"""Results that are written without lingering."""
_STALLED: Final = 20_000
"""Results that wait for the disk, above which no more deliveries are begun."""
_AGAIN_S: Final = 1.0
"""Pause after a write that failed."""

_log = structlog.get_logger(__name__)


Row = tuple[Any, ...]
"""As `journal.settle` takes it: the state first; event_seq and lane last."""


class Owner(Protocol):
    """Whose delivery it was."""

    number: int
    tally: Tally

    def written(self, row: Row) -> None:
        """Note that this is on disk."""


class Settler:
    """Takes results at once and never loses one while the process lives; a full disk is tried again."""

    def __init__(self, store: Store, time: Time, pruner: Pruner) -> None:
        """Begin with nothing to write."""
        self.recovered: Callable[[], None] = lambda: None
        """Called when deliveries may go on after `stalled`."""
        self.problem: str | None = None
        """Why the last write failed, or None: it didn't."""
        self._store, self._time, self._pruner = store, time, pruner
        self._pending: dict[Row, tuple[Row, Owner]] = {}  # by event_seq and lane
        self._changed: dict[int, Owner] = {}
        self._timer: Handle | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def stalled(self) -> bool:
        """Whether too many results wait for the disk."""
        return len(self._pending) >= _STALLED

    def settle(self, row: Row, owner: Owner) -> None:
        """Write this soon, in place of an earlier result of the same delivery that still waits."""
        self._pending[row[-2:]] = (row, owner)
        self._changed[owner.number] = owner
        self._soon()

    async def close(self, patience_s: float) -> None:
        """Write all that waits; give up, and say so, after `patience_s`."""
        try:
            async with asyncio.timeout(patience_s):
                while self._pending or self._task:
                    self._start()
                    if self._task:
                        await asyncio.shield(self._task)
                    if self.problem:
                        await asyncio.sleep(_AGAIN_S / 4)
        except TimeoutError:
            _log.error("results not written", count=len(self._pending), effect="these are delivered again")

    def _soon(self) -> None:
        if self._task is not None:
            return
        if len(self._pending) >= _MANY:
            self._start()
        elif self._timer is None:
            self._timer = self._time.call_later(LINGER_S, self._start)

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None and self._pending:
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        was_stalled = self.stalled
        batch, changed = list(self._pending.values()), self._changed
        self._changed = {}
        rows = [row for row, _ in batch]
        tallies = [owner.tally.row(owner.number) for owner in changed.values()]
        try:
            await self._store.write(lambda db: journal.settle(db, rows, tallies))
        except Exception as error:  # noqa: BLE001 - of whatever kind, results must not be lost
            self.problem = str(error) if isinstance(error, StorageError) else repr(error)
            _log.error("can't write results", error=self.problem, again_s=_AGAIN_S)
            self._changed = {**changed, **self._changed}
            self._task = None
            self._timer = self._time.call_later(_AGAIN_S, self._start)
            return
        self._task, self.problem = None, None
        self._confirm(batch)
        if was_stalled and not self.stalled:
            self.recovered()
        if self._pending:
            self._soon()

    def _confirm(self, batch: list[tuple[Row, Owner]]) -> None:
        for row, owner in batch:
            key = row[-2:]
            if self._pending[key][0] is row:  # else a later result of it waits already
                del self._pending[key]
                owner.written(row)
        self._pruner.settled(row[-2] for row, _ in batch)
