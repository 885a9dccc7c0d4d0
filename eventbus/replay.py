"""Replays: archived events are put on their bus again, in the order of their times.

For the API: `start(replay)` and `cancel(replay)`, both with the catalogue's lock held; the replay as it stands is
in the catalogue. For the application: `resume()` after the start, `close()` before the end.

How far a replay is, is saved after each batch that the bus has accepted. A crash in between puts that batch once
more, and leaves nothing out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import structlog

from eventbus.catalogue import Catalogue
from eventbus.model import Event, Replay
from eventbus.pattern import parse_event
from eventbus.ports import Intake
from eventbus.store import StorageError, Store, archived
from eventbus.transform.path import Document

BATCH: Final = 200
"""Most events that are put at once."""
BATCH_BYTES: Final = 1_000_000
"""Bytes of events above which a batch has enough."""
MOST_PENDING: Final = 5_000
"""Open deliveries of the whole bus above which a replay waits: what is live goes first."""
_POLL_S: Final = 0.1
_AGAIN_S: Final = 1.0
"""Pause after the disk failed."""
_CLOSE_S: Final = 5.0
"""How long a batch under way may take when the bus stops; one that takes longer comes again."""
_UNDER_WAY: Final = frozenset({"STARTING", "RUNNING", "CANCELLING"})
_NOT_CANCELLED: Final = frozenset({"RUNNING", "COMPLETED"})

_log = structlog.get_logger(__name__)


class Replays:
    """Runs a task for each replay that is under way."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        intake: Intake,
        *,
        clock_ms: Callable[[], int],
        pending: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Begin with none; `pending` gives the number of open deliveries of the bus."""
        self._store, self._catalogue, self._intake = store, catalogue, intake
        self._clock_ms, self._pending, self._sleep = clock_ms, pending, sleep
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closing = False

    def resume(self) -> None:
        """Go on with the replays that were under way when the process ended."""
        for replay in self._catalogue.all(Replay):
            if replay.state in _UNDER_WAY:
                self._go(replay.arn)

    async def start(self, replay: Replay) -> Replay:
        """Keep a new replay and begin it; the catalogue's lock is held.

        Raises:
            StorageError: the disk is full or fails; there is no such replay.
        """
        await self._catalogue.save(replay)
        self._go(replay.arn)
        return replay

    async def cancel(self, replay: Replay) -> Replay:
        """Have a replay stop behind the batch that is being put; the catalogue's lock is held.

        Raises:
            StorageError: the disk is full or fails; it goes on.
        """
        cancelling = replace(replay, state="CANCELLING")
        await self._catalogue.save(cancelling)
        return cancelling

    async def close(self) -> None:
        """Stop each behind the batch under way, if that ends soon; `resume` goes on from there."""
        self._closing = True
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSE_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _go(self, arn: str) -> None:
        task = asyncio.get_running_loop().create_task(self._run(arn), name=f"replay {arn}")
        self._tasks[arn] = task
        task.add_done_callback(lambda _: self._tasks.pop(arn, None))

    async def _run(self, arn: str) -> None:
        failure = ""
        while not self._closing:
            try:
                if failure:
                    await self._end(arn, "FAILED", failure)
                if not await self._step(arn):
                    return
            except StorageError as error:
                _log.warning("a replay waits for the disk", replay=arn, error=str(error))
                await self._sleep(_AGAIN_S)
            except Exception as error:  # noqa: BLE001 - of whatever kind, it is this replay's end alone
                _log.error("a replay failed", replay=arn, exc_info=error)
                failure = f"{type(error).__name__}: {error}"

    async def _step(self, arn: str) -> bool:
        """Do what comes next; return False when there is nothing left to do."""
        replay = self._catalogue.replay(arn)
        if replay is None or replay.state not in _UNDER_WAY:
            return False
        if replay.state == "CANCELLING":
            await self._end(arn, "CANCELLED")
        elif obstacle := self._obstacle(replay):
            await self._end(arn, "FAILED", obstacle)
        elif replay.state == "STARTING":
            await self._change(arn, state="RUNNING")
        elif self._pending() > MOST_PENDING:
            await self._sleep(_POLL_S)
        else:
            await self._put_next(replay)
        return True

    async def _put_next(self, replay: Replay) -> None:
        after = (replay.from_ms, -1) if replay.last_ms is None else (replay.last_ms, replay.last_seq)
        batch = await self._store.read(
            lambda db: archived.page(
                db, replay.archive_arn, after, until_ms=replay.until_ms, most=BATCH, most_bytes=BATCH_BYTES
            )
        )
        if not batch:
            await self._end(replay.arn, "COMPLETED")
            return
        await self._intake.accept([self._event(replay, body) for _, _, body in batch])
        last_ms, last_seq, _ = batch[-1]
        await self._change(replay.arn, last_ms=last_ms, last_seq=last_seq)

    async def _end(self, arn: str, state: str, reason: str | None = None) -> None:
        await self._change(arn, state=state, reason=reason, ended_ms=self._clock_ms())

    async def _change(self, arn: str, **changes: Any) -> None:
        """Save a change of a replay, unless it has gone, or the change would undo a cancellation."""
        async with self._catalogue.changing:
            replay = self._catalogue.replay(arn)
            undone = replay is not None and replay.state == "CANCELLING" and changes.get("state") in _NOT_CANCELLED
            if replay is not None and not undone:
                await self._catalogue.save(replace(replay, **changes))

    def _obstacle(self, replay: Replay) -> str | None:
        if self._catalogue.archive(replay.archive_arn) is None:
            return f"Archive {replay.archive_arn} does not exist."
        if self._catalogue.bus(replay.destination["Arn"]) is None:
            return f"Event bus {replay.destination['Arn']} does not exist."
        return None

    def _event(self, replay: Replay, body: str) -> Event:
        body = with_replay_name(body, replay.name)
        fields = parse_event(body)
        filters = replay.destination.get("FilterArns")
        return Event(
            id=fields["id"],
            bus_arn=replay.destination["Arn"],
            body=body,
            fields=fields,
            accepted_ms=self._clock_ms(),
            only_rules=frozenset(filters) if filters else None,
            replay=replay.name,
        )


def with_replay_name(body: str, name: str) -> str:
    """Return an event's JSON text with the name of the replay behind its region, where the service puts it.

    `name` holds letters, digits, dots, dashes and underscores alone.
    """
    event = Document(body)
    _, at = event.members()["region"]
    return f'{event.text[:at]},"replay-name":"{name}"{event.text[at:]}'
