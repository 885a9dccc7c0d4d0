"""The worker: Faust hands over batches, the analyst judges them, the settler writes what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Sequence
from typing import Any, Final, cast

import faust
import numpy as np
import structlog

from analyzer.continuity import Continuity, Step
from analyzer.crew import Crew
from analyzer.ending import Ending
from analyzer.engine import Contact, FaustPositions, explained, source
from analyzer.portion import portions
from analyzer.ports import Batch, Outgoing
from analyzer.publish import FaustPublisher
from analyzer.schema_cache import SchemaNeededError
from analyzer.settings import AnalyzerSettings
from analyzer.settle import Limits, Result, Settler
from analyzer.transport import Fetch
from schemas.errors import UnavailableError

STOP_TIMEOUT_S: Final = 10.0
STUCK_AFTER_S: Final = 20.0
COMMIT_EVERY_S: Final = 1.0
IDLE_S: Final = 2.0
TURNS: Final = 8
"""Of the event loop, after as many records as a desk takes at once. A send and its acknowledgement take about as many,
and would wait for as many records at each."""


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
            limits=Limits(settings.checkpoint_s, settings.max_unsettled),
            wrote=self._restorer.wrote,
        )
        self._from = FaustPositions(app, stage.source)
        self._contact = Contact(app, self._loop.time)
        self._continuity = Continuity()
        self._done: dict[int, int] = {}
        self._prepared = asyncio.Event()
        self._preparing = asyncio.Lock()
        self._phase: str | None = "joining the consumer group"
        self._waits_for_registry = False
        self._generation = 0
        self._seen_at = 0.0
        self._busy = False
        self._at_once = 0
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
        return self._phase or self._contact.problem()

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
        async def judge(stream: faust.Stream[Fetch]) -> None:
            await self._watched(self._consume(stream))

        return judge

    async def _consume(self, stream: faust.Stream[Fetch]) -> None:
        async for event in stream.noack().events():
            await self._prepared.wait()
            if self._ending.told or self._ending.failed:
                continue  # not committed: another worker reads it
            self._seen_at = self._loop.time()
            self._busy = True  # until its results have room; what is read ahead waits behind it
            await self._take(event.value)
            self._busy = False
            self._seen_at = self._loop.time()

    async def _take(self, fetch: Fetch) -> None:
        generation = self._generation
        runs = [(batch, self._continuity.take(batch.partition, batch.offsets)) for batch in fetch]
        for batch, run in runs:
            if run.seek is not None:
                await self._read_again(batch.partition, run.seek)
        next_ones = [batch.part(run.start, run.stop) for batch, run in runs if run.stop > run.start]
        for some in portions(next_ones, self._analyst.most):
            if not await self._analyse(some, generation):
                return
            await self._settler.room()
            await self._others(sum(map(len, some)))

    async def _others(self, judged: int) -> None:
        """Give sends, checkpoints and the client their turns, when so many records were judged since the last time."""
        self._at_once += judged
        if self._at_once >= self._analyst.most:
            self._at_once = 0
            for _ in range(TURNS):
                await asyncio.sleep(0)

    async def _analyse(self, batches: Sequence[Batch], generation: int) -> bool:
        """Judge batches and let them be settled; False when partitions are being taken away, or the worker ends."""
        with contextlib.ExitStack() as afterwards:
            while generation == self._generation and self._prepared.is_set() and not self._ending.told:
                try:
                    # One step: no checkpoint may come between the states that move on and what that has to tell.
                    outgoing = self._analyst.analyse(*batches)
                    self._settler.add(self._result(batches, outgoing))
                except SchemaNeededError as needed:
                    await self._fetch(needed)
                    afterwards.callback(needed.cache.ask_again)
                except BaseException:
                    self._settler.halt()
                    raise
                else:
                    return True
        return False

    async def _fetch(self, needed: SchemaNeededError) -> None:
        self._waits_for_registry = True
        await needed.cache.fetch(needed.version)
        self._waits_for_registry = False

    def _result(self, batches: Sequence[Batch], outgoing: Sequence[Outgoing]) -> Result:
        generation = self._generation

        def told() -> None:
            stamped = np.array([one for batch in batches for one in batch.timestamps_ms if one >= 0])
            self._analyst.metrics.latency_seconds.observe(np.maximum(time.time() - stamped / 1000, 0.0))

        def done() -> None:
            if generation == self._generation:
                self._done |= {batch.partition: batch.offsets[-1] + 1 for batch in batches}

        return Result([batch.partition for batch in batches], sum(map(len, batches)), outgoing, told, done)

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
        self._restorer.read_anew(self._settler.abandon())
        self._continuity.begin({})
        self._done.clear()

    async def _on_assigned(self, _: Any, assigned: Any = (), **__: Any) -> None:
        self._generation += 1
        self._phase = f"recovering {self._stage.subject} states"
        self._start(self._prepare({tp.partition for tp in assigned if tp.topic == self._stage.source}))

    async def _prepare(self, partitions: set[int]) -> None:
        generation, began = self._generation, self._loop.time()
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
            seconds = round(self._loop.time() - began, 3)
            self._log.info("ready", partitions=len(partitions), states=self._analyst.states.count(), seconds=seconds)

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
