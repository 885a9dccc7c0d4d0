"""A Faust transport that hands over what was fetched as one message, not record by record.

Stock Faust makes two asyncio tasks, a message, an event and several calls of sensors for each record. Here the value
of a message is a `Fetch`, the rest of the way through Faust is as ever. What is relied on beyond Faust's and aiokafka's
documented interfaces is held in tests/contract/test_analyzer_transport.py; their versions are pinned.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Final, cast

import aiokafka
import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from analyzer.fetched import batch_of, in_runs
from analyzer.ports import Batch

MOST: Final = 4_000
"""Records that a fetch may hand over, of all partitions together: the largest batch too."""

QUEUED: Final = 4
"""Fetches that may wait for the agent. Then nothing is taken from the client, which fetches no more of a partition
until what it has of it is taken: at most 1 MiB as the broker sends it."""

FETCH_MAX_WAIT_MS: Final = 100
"""Faust lets the broker hold a fetch for 1.5 s. Tansu looks for new records only about twice in that time, so that a
record waits 0.35 s in the mean; asked ten times a second it is found at once."""

FETCH_EVERY_S: Final = 0.005
"""A broker is asked again after so long at the earliest. Asked as soon as it has answered it has few records more:
fetching, handing over and judging a dozen of them costs almost as much as for a hundred."""

Fetch = tuple[Batch, ...]
"""What was fetched at once: a batch of each partition that had something."""


def paced(fetcher: Any, every_s: float) -> None:
    """Let a fetcher ask each broker every `every_s` at most; after a pause it asks at once."""
    ask, asked = fetcher._proc_fetch_request, dict[Any, float]()  # noqa: SLF001 - held by the contract test

    async def asks(assignment: Any, node_id: Any, request: Any) -> Any:
        wait_s = asked.get(node_id, 0.0) + every_s - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        asked[node_id] = time.monotonic()
        return await ask(assignment, node_id, request)

    fetcher._proc_fetch_request = asks  # noqa: SLF001 - as above


class BatchThread(driver.AIOKafkaConsumerThread):
    """Faust's thread with aiokafka's consumer in it; a fetch is one record to it, of the first partition in it."""

    async def on_start(self) -> None:
        """Start the consumer."""
        await super().on_start()
        paced(cast("Any", self._consumer)._fetcher, FETCH_EVERY_S)  # noqa: SLF001 - held by the contract test

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = cast("Any", super()._create_worker_consumer(transport))
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS  # noqa: SLF001 - Faust fixes it; read when the consumer starts
        return cast("aiokafka.AIOKafkaConsumer", consumer)

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is Faust's
        max_records: int | None = None,
    ) -> Mapping[TP, list[Any]]:
        found = await self._fetched(consumer, active_partitions, max_records)
        if not found and timeout:
            await _something_new(consumer._fetcher, timeout)  # noqa: SLF001 - as Faust does
            found = await self._fetched(consumer, active_partitions, max_records)
        return {next(iter(found)): [tuple(batch_of(tp, records) for tp, records in found.items())]} if found else {}

    async def _fetched(self, consumer: Any, active: set[TP], most: int | None) -> Mapping[TP, list[Any]]:
        in_runs(consumer._fetcher._records.values())  # noqa: SLF001 - as above
        return await super()._fetch_records(consumer, active, timeout=0, max_records=most)


async def _something_new(fetcher: Any, timeout_s: float) -> None:
    """Return when the client has fetched something, at the latest after `timeout_s`."""
    waiter = fetcher._create_fetch_waiter()  # noqa: SLF001 - as fetched_records does
    await asyncio.wait([waiter], timeout=timeout_s)
    if waiter.done():
        waiter.result()  # may say that the group may not read the topic
    else:
        waiter.cancel()


class _Forgetful(dict[Any, Any]):
    """Stands for the offsets that Faust has read: it never remembers one.

    Faust compares each message with them. After a seek it takes what was fetched before for a gap, marks the
    records between as done and drops them when they come. The worker keeps its own positions.
    """

    def __getitem__(self, key: Any) -> None:
        return None

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def update(self, *args: Any, **kwargs: Any) -> None:
        pass


class BatchConsumer(driver.Consumer):
    """Faust's consumer; each message holds a fetch."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Set it up as Faust does, without a memory of offsets."""
        super().__init__(*args, **kwargs)
        self._read_offset = _Forgetful()

    def _new_consumer_thread(self) -> BatchThread:
        return BatchThread(self, loop=self.loop, beacon=self.beacon)

    async def _seek(self, partition: TP, offset: int) -> None:
        """Seek in the client's own thread: Faust does it from here, and a fetch there may be in the middle."""
        client = self._thread._ensure_consumer()  # noqa: SLF001 - as Faust does
        await self._thread.call_thread(cast("Any", client.seek), partition, offset)

    def _to_message(self, tp: TP, record: Fetch) -> ConsumerMessage:
        """Return the message whose value is a fetch; its offset and time are of the first record."""
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record[0].offsets[0],
            record[0].timestamps_ms[0] / 1000,
            0,
            [],
            None,
            cast("Any", record),
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    def on_buffer_full(self, tp: TP) -> None:
        """Pause nothing: the loop that fetches waits for room, where Faust would sleep for a second."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Resume nothing."""


class BatchTransport(driver.Transport):
    """Faust's transport over aiokafka with the consumer above."""

    Consumer: ClassVar[type[BatchConsumer]] = BatchConsumer


class BatchSchema(faust.Schema[Any, Any]):
    """Decodes nothing: the value of an event is the fetch."""

    def compile(self, app: Any, **_: Any) -> Any:
        """Return what makes an event of a message."""

        async def decode(message: Any, **_: Any) -> Any:
            return app.create_event(None, message.value, {}, message)

        return decode
