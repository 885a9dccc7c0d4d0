"""The worker: Faust hands over records, the analyst judges them, the settler writes what came of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final, cast

import faust
import structlog

from analyzer.analyst import Incoming
from analyzer.continuity import Continuity, Step
from analyzer.crew import Crew
from analyzer.ending import Ending
from analyzer.engine import FaustPositions, FaustPublisher, explained, source
from analyzer.schema_cache import SchemaNeededError
from analyzer.settings import AnalyzerSettings
from analyzer.settle import Result, Settler
from schemas.errors import UnavailableError

STOP_TIMEOUT_S: Final = 10.0
STUCK_AFTER_S: Final = 20.0
COMMIT_EVERY_S: Final = 1.0
IDLE_S: Final = 2.0


def incoming(message: Any) -> Incoming:
    """Return a record as Faust hands it over, timestamp in seconds, as the analyst takes it."""
    timestamp_ms = round(message.timestamp * 1000)
    return Incoming(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        tuple(message.headers or ()),
        timestamp_ms if timestamp_ms >= 0 else None,  # -1 ms: the record has none
    )


class Worker:
    """One member of a stage's consumer group, from joining to leaving."""

    def __init__(self, crew: Crew, settings: AnalyzerSettings, ending: Ending) -> None:
        """Make it; must be called in the running event loop. `ending` is shared by all of the process."""
        app, stage, analyst = crew.app, crew.stage, crew.analyst
        self._loop = asyncio.get_running_loop()
        self._log = structlog.get_logger().bind(stage=stage.name)
        self._stage = stage
        self._ending = ending
        self._app = app
        self._analyst = analyst
        self._restorer = crew.restorer
        self._settings = settings
        self._settler = Settler(
            FaustPublisher(app, stage.group),
            stage.changelog,
            analyst.states,
            analyst.metrics,
            self._loop.time,
            max_unsettled=settings.max_unsettled,
        )
        self._from = FaustPositions(app, stage.source)
        self._continuity = Continuity()
        self._done: dict[int, int] = {}
        self._prepared = asyncio.Event()
        self._preparing = asyncio.Lock()
        self._phase: str | None = "joining the consumer group"
        self._waits_for_registry = False
        self._generation = 0
        self._seen_at = 0.0
        self._busy = False
        self._tasks: list[asyncio.Task[Any]] = []
        app.on_partitions_revoked.connect(cast("Any", self._on_revoked))
        app.on_partitions_assigned.connect(cast("Any", self._on_assigned))
        app.agent(source(app, stage), name="judge")(self._consumer())

    def health(self) -> str | None:
        """Return why the worker can't do its work now, or None."""
        problem = self._problem()
        return problem and f"{self._stage.name}: {problem}"

    def _problem(self) -> str | None:
        if self._waits_for_registry:
            return "waiting for the schema registry"
        if self._settler.behind_s() > STUCK_AFTER_S:
            return f"nothing has reached Kafka for {self._settler.behind_s():.0f} s"
        return self._phase

    async def run(self) -> None:
        """Work until the process is told to end, then drain and leave.

        Raises:
            UserError: what only the user can mend, such as too many bad records in a row.
            UnavailableError: the broker doesn't take results.

        What another worker of the process failed with is raised too.
        """
        for work in (self._settler.run(), self._app_runs(), self._commits(), self._watches()):
            self._start(work)
        try:
            await self._ending.comes()
            self._phase = "stopping"
            if not self._ending.failed:
                await self._drain("stopping")
        finally:
            if self._ending.failed:
                # No clean leaving: that would flush what is on its way, and a successor may be at work by then.
                for task in self._tasks:
                    task.cancel()
            else:
                await self._leave()
        self._ending.check()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(self._loop.create_task(self._watched(work)))

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker must not go on without it
            self._ending.fail(explained(error))

    async def _app_runs(self) -> None:
        await self._app.start()
        await self._app.wait()
        if not self._ending.told:
            raise UnavailableError(f"the Kafka client stopped: {self._app.crash_reason!r}")

    def _consumer(self) -> Any:
        async def judge(stream: faust.Stream[bytes]) -> None:
            await self._watched(self._consume(stream))

        return judge

    async def _consume(self, stream: faust.Stream[bytes]) -> None:
        async for event in stream.noack().events():
            await self._prepared.wait()
            if self._ending.told or self._ending.failed:
                continue  # not committed: another worker reads it
            await self._take(event.message)
            self._busy = False
            self._seen_at = self._loop.time()

    async def _take(self, message: Any) -> None:
        partition, offset = message.partition, message.offset
        self._seen_at = self._loop.time()
        self._busy = True  # until its result has room; what is read ahead waits behind it
        step = self._continuity.see(partition, offset)
        if step is Step.SEEK:
            await self._read_again(partition, offset)
        if step is not Step.NEXT:
            return
        result = await self._analyse(message)
        if result is not None:
            self._settler.add(result)
            await self._settler.room()

    async def _analyse(self, message: Any) -> Result[Any] | None:
        """Return what came of a record, or None when its partition was taken away meanwhile."""
        partition, offset = message.partition, message.offset
        record = incoming(message)
        generation = self._generation

        def done() -> None:
            if generation == self._generation:
                self._done[partition] = offset + 1
            self._analyst.metrics.latency_seconds.observe(max(0.0, self._analyst.now().timestamp() - message.timestamp))

        while generation == self._generation:
            try:
                return self._analyst.analyse(record, done)
            except SchemaNeededError as needed:
                self._waits_for_registry = True
                await needed.cache.fetch(needed.version)
                self._waits_for_registry = False
        return None

    async def _read_again(self, partition: int, offset: int | None) -> None:
        position = self._continuity.positions()[partition]
        self._log.info("read_again", partition=partition, position=position, offset=offset)
        await self._from.seek(partition, position)

    async def _watches(self) -> None:
        """Read again what the client dropped at the end of a partition, where no later record shows it."""
        while True:
            await asyncio.sleep(IDLE_S)
            if not self._prepared.is_set() or self._ending.told or self._loop.time() - self._seen_at < IDLE_S:
                continue
            for partition, position in self._continuity.positions().items():
                read_to = await self._from.position(partition)
                idle = self._prepared.is_set() and self._loop.time() - self._seen_at >= IDLE_S
                if idle and read_to is not None and not self._busy:
                    await self._nothing_came(partition, position, read_to)

    async def _nothing_came(self, partition: int, position: int, read_to: int) -> None:
        step = self._continuity.nothing_until(partition, read_to)
        if step is Step.SEEK:
            await self._read_again(partition, None)
        elif step is Step.NEXT:
            self._log.info("hole", partition=partition, position=position, offset=read_to)

    async def _on_revoked(self, _: Any, revoked: Any = (), **__: Any) -> None:
        # Every rebalance takes all partitions away first, also those that come back.
        self._phase = "rebalancing"
        self._prepared.clear()
        if revoked and not self._ending.told:
            await self._drain("rebalancing")
        self._generation += 1
        self._analyst.states.drop_unsettled()
        self._continuity.begin({})
        self._done.clear()

    async def _on_assigned(self, _: Any, assigned: Any = (), **__: Any) -> None:
        self._generation += 1
        self._phase = f"recovering {self._stage.subject} states"
        self._start(self._prepare({tp.partition for tp in assigned if tp.topic == self._stage.source}))

    async def _prepare(self, partitions: set[int]) -> None:
        generation = self._generation
        async with self._preparing:
            await self._restorer.restore(partitions)
            begin = await self._from.begin(partitions) if partitions else {}
            if begin is None or generation != self._generation:
                return  # another rebalance has begun; its own preparation follows
            await self._restorer.check(begin)
            if generation != self._generation:
                return
            if again := await self._settler.write_again():
                self._log.warning("written_again", states=again)
            if generation != self._generation:
                return
            self._continuity.begin(begin)
            self._phase = None
            self._prepared.set()
            self._log.info("ready", partitions=len(partitions), states=self._analyst.states.count())

    async def _commits(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_EVERY_S)
            if self._prepared.is_set():
                await self._commit()

    async def _commit(self) -> None:
        if self._done:
            offsets = dict(self._done)
            await self._from.commit(offsets)
            self._done = {p: offset for p, offset in self._done.items() if offsets.get(p) != offset}

    async def _drain(self, why: str) -> None:
        """Settle what is judged and commit; on a broker that doesn't answer in time the worker fails."""
        try:
            async with asyncio.timeout(self._settings.drain_timeout_s):
                await self._settler.drained()
                await self._commit()
        except TimeoutError:
            # What is on its way can't be called back. Ending the process is what keeps it from being
            # written after another worker's newer states.
            message = f"{why}: results did not reach Kafka within {self._settings.drain_timeout_s:g} s"
            self._ending.fail(UnavailableError(f"{message} (ANALYZER_DRAIN_TIMEOUT_S)"))

    async def _leave(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._app.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
