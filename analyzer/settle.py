"""Settling: results reach Kafka in the one order that survives a crash at any point.

Of a batch, the notifications, sightings and dead letters come first, then the newest state of each card or terminal
as it was at the end of the batch, and only when the broker has acknowledged all of them are the batch's records
acknowledged. A crash before that replays the batch: its notifications have the same ids, and records
that a state contains change nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Generic, Protocol

from analyzer.metrics import StageMetrics
from analyzer.states import States
from analyzer.window_codec import W
from schemas.dead_letter import Header

MAX_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be written."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    partition: int | None = None
    """None: by the key."""

    timestamp_ms: int | None = None
    """None: now."""


class Publisher(Protocol):
    """Writes records to Kafka."""

    async def send(self, outgoing: Outgoing) -> Awaitable[object]:
        """Hand a record over; what is returned resolves when the broker has acknowledged it, or raises."""


@dataclass(frozen=True, slots=True)
class Update(Generic[W]):
    """The window of a card or terminal after a record."""

    partition: int
    key: str
    window: W


@dataclass(frozen=True, slots=True)
class Result(Generic[W]):
    """What came of one record."""

    done: Callable[[], object]
    """Called once all below is in Kafka: the record need not be read again."""

    outgoing: tuple[Outgoing, ...] = ()
    update: Update[W] | None = None
    """None: the record changed no state."""


class Settler(Generic[W]):
    """Takes results in order and settles them in batches, as large as what has come meanwhile."""

    def __init__(
        self,
        publisher: Publisher,
        changelog: str,
        states: States[W],
        metrics: StageMetrics,
        clock: Callable[[], float],
        *,
        max_unsettled: int = 2_000,
    ) -> None:
        """Settle through `publisher` into topic `changelog` and `states`; `clock` counts seconds, never back."""
        self._publisher = publisher
        self._changelog = changelog
        self._states = states
        self._metrics = metrics
        self._clock = clock
        self._max = max_unsettled
        self._waiting: deque[Result[W]] = deque()
        self._changed = asyncio.Condition()
        self._work = asyncio.Event()
        self._since: float | None = None

    def add(self, result: Result[W]) -> None:
        """Take one more result, in the order of its partition."""
        self._waiting.append(result)
        if self._since is None:
            self._since = self._clock()
        self._work.set()

    async def room(self) -> None:
        """Return when fewer results wait than may."""
        if len(self._waiting) >= self._max:
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._waiting) < self._max)

    async def drained(self) -> None:
        """Return when all that was added is settled."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._waiting)

    def behind_s(self) -> float:
        """Return for how long results have waited without any being settled, in seconds."""
        return 0.0 if self._since is None else self._clock() - self._since

    async def run(self) -> None:
        """Settle until cancelled; whatever a send raises ends it, and nothing after that is settled."""
        while True:
            await self._work.wait()
            batch = list(islice(self._waiting, MAX_BATCH))
            with self._metrics.settle_seconds.time():
                await self._settle(batch)
            async with self._changed:
                for _ in batch:
                    self._waiting.popleft()
                self._since = self._clock() if self._waiting else None
                if not self._waiting:
                    self._work.clear()
                self._changed.notify_all()

    async def write_again(self) -> int:
        """Write the states that compaction would lose to older ones, and return how many; before any other."""
        outlived = self._states.outlived()
        await self._publish(
            [
                Outgoing(self._changelog, key.encode(), value, partition=partition)
                for (partition, key), value in outlived
            ]
        )
        for place, _ in outlived:
            self._states.written_again(place)
        return len(outlived)

    async def _settle(self, batch: list[Result[W]]) -> None:
        await self._publish([outgoing for result in batch for outgoing in result.outgoing])
        newest = {(u.partition, u.key): u.window for result in batch if (u := result.update)}
        values = {place: self._states.codec.encode(window) for place, window in newest.items()}
        await self._publish(
            [
                Outgoing(self._changelog, key.encode(), value, partition=partition)
                for (partition, key), value in values.items()
            ]
        )
        for (partition, key), window in newest.items():
            self._states.settled(partition, key, window, values[partition, key])
        for result in batch:
            result.done()

    async def _publish(self, outgoing: list[Outgoing]) -> None:
        await asyncio.gather(*[await self._publisher.send(one) for one in outgoing])


@dataclass
class FakePublisher:
    """Remembers what is sent, and fails where it is told to. For tests."""

    sent: list[Outgoing] = field(default_factory=list)
    fail_on: Callable[[Outgoing], bool] = lambda _: False

    async def send(self, outgoing: Outgoing) -> Awaitable[object]:
        """Remember, and acknowledge a moment later or fail."""
        self.sent.append(outgoing)
        return self._acknowledge(outgoing)

    async def _acknowledge(self, outgoing: Outgoing) -> None:
        await asyncio.sleep(0)
        if self.fail_on(outgoing):
            raise OSError(f"{outgoing.topic} is away")
