"""The worker: Faust hands over records, the analyst judges them, the settler writes what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any, Final, cast

import faust
import structlog

from analyzer.analyst import Analyst, Incoming
from analyzer.engine import FaustPublisher, make_table, source
from analyzer.schema_cache import SchemaNeededError
from analyzer.settings import AnalyzerSettings
from analyzer.settle import Result, Settler
from schemas.errors import UnavailableError

STOP_TIMEOUT_S: Final = 10.0
STUCK_AFTER_S: Final = 20.0


class Worker:
    """One member of the consumer group, from joining to leaving."""

    def __init__(self, app: faust.App, analyst: Analyst, settings: AnalyzerSettings, partitions: int) -> None:
        """Make it; must be called in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._log = structlog.get_logger()
        self._app = app
        self._analyst = analyst
        self._settings = settings
        self._metrics = analyst.metrics
        self._settler = Settler(
            FaustPublisher(app), analyst.states, analyst.metrics, self._loop.time, max_unsettled=settings.max_unsettled
        )
        self._failure: asyncio.Future[None] = self._loop.create_future()
        self._stop = asyncio.Event()
        self._phase: str | None = "joining the consumer group"
        self._waits_for_registry = False
        self._generation = 0
        table = make_table(app, analyst.states, partitions, self._fail)
        table.on_recover(self._on_recovered)
        app.on_partitions_revoked.connect(cast("Any", self._on_revoked))
        app.on_partitions_assigned.connect(cast("Any", self._on_assigned))
        app.agent(source(app, partitions), name="judge")(self._consumer())

    def health(self) -> str | None:
        """Return why the worker can't do its work now, or None."""
        if self._waits_for_registry:
            return "waiting for the schema registry"
        if self._settler.behind_s() > STUCK_AFTER_S:
            return f"nothing has reached Kafka for {self._settler.behind_s():.0f} s"
        return self._phase

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT, then drain and leave.

        Raises:
            UserError: what only the user can mend, such as too many bad records in a row.
            UnavailableError: the broker doesn't take results.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop.set)
        tasks = [
            self._task(self._watched(self._settler.run())),
            self._task(self._watched(self._app_runs())),
            stop := self._task(self._stop.wait()),
        ]
        try:
            await asyncio.wait([self._failure, stop], return_when=asyncio.FIRST_COMPLETED)
            self._phase = "stopping"
            if not self._failure.done():
                await self._drain("stopping")
            if self._failure.done():
                self._failure.result()
        finally:
            await self._leave(tasks)

    def _task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return self._loop.create_task(work)

    async def _watched(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever it is, the worker must not go on without it
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self._failure.done():
            self._failure.set_exception(error)

    async def _app_runs(self) -> None:
        await self._app.start()
        await self._app.wait()
        if not self._stop.is_set():
            raise UnavailableError(f"the Kafka client stopped: {self._app.crash_reason!r}")

    def _consumer(self) -> Any:
        async def judge(stream: faust.Stream[bytes]) -> None:
            await self._watched(self._consume(stream))

        return judge

    async def _consume(self, stream: faust.Stream[bytes]) -> None:
        async for event in stream.noack().events():
            if self._stop.is_set() or self._failure.done():
                continue  # not acknowledged: another worker reads it
            result = await self._analyse(event)
            if result is not None:
                self._settler.add(result)
                await self._settler.room()

    async def _analyse(self, event: Any) -> Result | None:
        """Return what came of a record, or None when its partition was taken away meanwhile."""
        message = event.message
        record = Incoming(
            message.topic,
            message.partition,
            message.offset,
            message.key,
            message.value,
            tuple(message.headers or ()),
        )
        generation = self._generation

        def done() -> None:
            event.ack()
            self._metrics.latency_seconds.observe(max(0.0, self._analyst.now().timestamp() - message.timestamp))

        while generation == self._generation:
            try:
                return self._analyst.analyse(record, done)
            except SchemaNeededError as needed:
                self._waits_for_registry = True
                await needed.cache.fetch(needed.version)
                self._waits_for_registry = False
        return None

    async def _on_revoked(self, _: Any, revoked: Any = (), **__: Any) -> None:
        # Every rebalance takes all partitions away first, also those that come back.
        self._phase = "rebalancing"
        self._generation += 1
        if revoked and not self._stop.is_set():
            await self._drain("rebalancing")

    async def _on_assigned(self, _: Any, assigned: Any = (), **__: Any) -> None:
        self._phase = "recovering card states" if assigned else None

    async def _on_recovered(self) -> None:
        self._phase = None
        self._log.info("ready", partitions=self._partitions(), cards=self._analyst.states.count())

    def _partitions(self) -> int:
        return len({tp.partition for tp in self._app.consumer.assignment()})

    async def _drain(self, why: str) -> None:
        """Settle what is judged and commit; on a broker that doesn't answer in time the worker fails."""
        try:
            async with asyncio.timeout(self._settings.drain_timeout_s):
                await self._settler.drained()
                if self._app.consumer.started:
                    await self._app.consumer.commit()
        except TimeoutError:
            # What is on its way can't be called back. Ending the process is what keeps it from being
            # written after another worker's newer states.
            message = f"{why}: results did not reach Kafka within {self._settings.drain_timeout_s:g} s"
            self._fail(UnavailableError(f"{message} (ANALYZER_DRAIN_TIMEOUT_S)"))
        self._analyst.states.drop_unsettled()

    async def _leave(self, tasks: list[asyncio.Task[Any]]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._app.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
