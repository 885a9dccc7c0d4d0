"""Settling: results reach Kafka in the one order that survives a crash at any point.

What a batch has to tell (notifications, sightings, dead letters) is sent at once. About every second, or when the
worker drains or too much waits, there is a checkpoint: in one step the newest state of each card or terminal that
changed is captured, with all that was added up to then. When everything told before is acknowledged by the broker the
states are written, and when these are acknowledged too, so are the records. Judging goes on meanwhile.

A crash before the end replays the records since the last checkpoint: their notifications have the same ids, and what a
state contains changes nothing. Each state says itself how far it has got, so one that is written in part is harmless.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol

from analyzer.metrics import StageMetrics
from analyzer.ports import Outgoing, Snapshot, State, States, Written

STATES_AT_ONCE: Final = 60
"""How many states are encoded and handed over before others have a turn; fastavro takes 0.1 to 0.4 ms for each."""

MOST_UNTOLD_BYTES: Final = 32 * 1024 * 1024
"""How much may be told and not acknowledged; more waits. Dead letters may be large, and many."""


class Publisher(Protocol):
    """Writes records to Kafka."""

    async def send(self, outgoing: Iterable[Outgoing]) -> Awaitable[Sequence[Written]]:
        """Hand records over in their order; what is returned resolves when the broker has taken all, or raises.

        It says where they are: those of a partition in their order.
        """


@dataclass(frozen=True, slots=True)
class Result:
    """What came of some records."""

    partitions: Collection[int]
    """That they are of."""

    records: int
    """How many they are."""

    outgoing: Sequence[Outgoing]
    told: Callable[[], object]
    """Called once all outgoing is in Kafka."""

    done: Callable[[], object]
    """Called once their states are, too: the records need not be read again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When there is a checkpoint, and when more must wait."""

    checkpoint_s: float = 1.0
    max_unsettled: int = 50_000
    """Records."""


class _Told:
    """What is being told and not acknowledged yet."""

    def __init__(self) -> None:
        self.outbox: list[tuple[Result, asyncio.Future[None]]] = []
        self.filled = asyncio.Event()
        self.futures: dict[asyncio.Future[None], int] = {}
        self.bytes = 0

    def add(self, result: Result) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        size = sum(len(one.key or b"") + len(one.value or b"") for one in result.outgoing)
        self.futures[future] = size
        self.bytes += size
        self.outbox.append((result, future))
        self.filled.set()

    async def waiting(self) -> list[tuple[Result, asyncio.Future[None]]]:
        """Wait for something in the outbox and take all of it."""
        await self.filled.wait()
        self.filled.clear()
        taken, self.outbox = self.outbox, []
        return taken

    def acknowledged(self, told: Iterable[tuple[Result, asyncio.Future[None]]]) -> None:
        for result, future in told:
            self.bytes -= self.futures.pop(future)
            future.set_result(None)
            result.told()


class Settler:
    """Takes results in order, tells what they have to tell, and makes checkpoints."""

    def __init__(
        self,
        publisher: Publisher,
        changelog: str,
        states: States,
        metrics: StageMetrics,
        clock: Callable[[], float],
        *,
        limits: Limits,
        wrote: Callable[[Sequence[Written]], object] = lambda _: None,
    ) -> None:
        """Settle through `publisher` into topic `changelog` and `states`; `clock` counts seconds, never back.

        `wrote` is told where states are in the changelog, in their order.
        """
        self._publisher = publisher
        self._changelog = changelog
        self._states = states
        self._metrics = metrics
        self._clock = clock
        self._limits = limits
        self._wrote = wrote
        self._told = _Told()
        self._unsettled: list[Result] = []
        self._settling: list[Result] = []
        self._count = 0
        self._changed = asyncio.Condition()
        self._work = asyncio.Event()
        self._urgent = asyncio.Event()
        self._halted = False
        self._last = clock()
        self._since: float | None = None

    def add(self, result: Result) -> None:
        """Take one more result, in the order of its partitions, in the step in which its states moved on."""
        self._unsettled.append(result)
        self._count += result.records
        if self._since is None:
            self._since = self._clock()
        if result.outgoing:
            self._told.add(result)
        else:
            result.told()
        if self._count >= self._limits.max_unsettled:
            self._urgent.set()
        self._work.set()

    def halt(self) -> None:
        """Make no more checkpoint: the states have moved on, and what that has to tell is not known."""
        self._halted = True

    async def room(self) -> None:
        """Return when fewer records wait than may."""
        if self._is_full():
            async with self._changed:
                await self._changed.wait_for(lambda: not self._is_full())

    def _is_full(self) -> bool:
        return self._count >= self._limits.max_unsettled or self._told.bytes >= MOST_UNTOLD_BYTES

    async def drained(self) -> None:
        """Make checkpoints at once, and return when all that was added is settled."""
        async with self._changed:
            while self._count:
                self._urgent.set()
                await self._changed.wait()

    def abandon(self) -> set[int]:
        """Forget what is not settled, and return its partitions: their states are ahead of the changelog."""
        partitions = {one for result in [*self._unsettled, *self._settling] for one in result.partitions}
        self._unsettled = []
        self._count = sum(result.records for result in self._settling)
        return partitions

    def behind_s(self) -> float:
        """Return for how long results have waited without any being settled, in seconds."""
        return 0.0 if self._since is None else self._clock() - self._since

    async def run(self) -> None:
        """Settle until cancelled; whatever a send raises ends it, and nothing after that is settled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tells(tasks))
                tasks.create_task(self._checkpoints())
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def write_again(self) -> int:
        """Write the states that compaction would lose to older ones, and return how many; before any other."""
        outlived = self._states.outlived()
        await self._write(outlived)
        return len(outlived)

    async def _tells(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            told = await self._told.waiting()
            sent = await self._publisher.send([one for result, _ in told for one in result.outgoing])
            tasks.create_task(self._acknowledges(sent, told))

    async def _acknowledges(self, sent: Awaitable[object], told: list[tuple[Result, asyncio.Future[None]]]) -> None:
        await sent
        self._told.acknowledged(told)
        async with self._changed:
            self._changed.notify_all()

    async def _checkpoints(self) -> None:
        while True:
            await self._work.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._last + self._limits.checkpoint_s - self._clock()):
                    await self._urgent.wait()
            if self._halted:
                self._work.clear()
                continue
            self._last = self._clock()
            with self._metrics.settle_seconds.time():
                await self._checkpoint()

    async def _checkpoint(self) -> None:
        # From here to the first await is the one step that makes it a checkpoint.
        snapshot, told = self._states.snapshot(), list(self._told.futures)
        self._settling, self._unsettled = self._unsettled, []
        self._work.clear()
        self._urgent.clear()
        await asyncio.gather(*told)
        await self._write(snapshot)
        await self._settled()

    async def _settled(self) -> None:
        async with self._changed:
            settled, self._settling = self._settling, []
            self._count = sum(result.records for result in self._unsettled)
            self._since = self._clock() if self._unsettled else None
            for result in settled:
                result.done()
            self._changed.notify_all()

    async def _write(self, snapshot: Snapshot) -> None:
        sent, states = [], iter(snapshot)
        while some := list(islice(states, STATES_AT_ONCE)):
            self._metrics.states.inc(len(some))
            self._metrics.state_bytes.inc(sum(len(one.value) for one in some))
            sent.append(await self._publisher.send([self._outgoing(one) for one in some]))
            await asyncio.sleep(0)
        for written in await asyncio.gather(*sent):
            self._wrote(written)
        snapshot.written()

    def _outgoing(self, state: State) -> Outgoing:
        return Outgoing(self._changelog, state.key, state.value, partition=state.partition)


@dataclass
class FakePublisher:
    """Remembers what is sent, and fails where it is told to. For tests."""

    sent: list[Outgoing] = field(default_factory=list)
    fail_on: Callable[[Outgoing], bool] = lambda _: False
    held: asyncio.Event | None = None
    """Acknowledgements wait for it, if there is one."""

    async def send(self, outgoing: Iterable[Outgoing]) -> Awaitable[Sequence[Written]]:
        """Remember, and acknowledge a moment later or fail."""
        sent = list(outgoing)
        self.sent.extend(sent)
        return self._acknowledge(sent)

    async def _acknowledge(self, sent: list[Outgoing]) -> Sequence[Written]:
        await asyncio.sleep(0)
        if self.held:
            await self.held.wait()
        for one in sent:
            if self.fail_on(one):
                raise OSError(f"{one.topic} is away")
        first = len(self.sent) - len(sent)
        return [Written(one.topic, one.partition or 0, first + at, 1) for at, one in enumerate(sent)]
