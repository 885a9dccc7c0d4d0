"""What the analyzer's transport relies on in faust-streaming and aiokafka beyond their documented interfaces.

When one of these fails after an upgrade, read `analyzer/transport.py`, `analyzer/engine.py` and `analyzer/publish.py`
against the new version: they say why they reach inside.
"""

from __future__ import annotations

import asyncio
import inspect
from types import SimpleNamespace
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer import fetcher as fetching
from aiokafka.producer.message_accumulator import MessageAccumulator, MessageBatch
from faust.tables.manager import TableManager
from faust.transport import consumer as consuming
from faust.transport.drivers import aiokafka as driver

from analyzer.engine import Contact, make_app
from analyzer.ports import Batch
from analyzer.stage import CARDS
from analyzer.transport import (
    FETCH_EVERY_S,
    FETCH_MAX_WAIT_MS,
    MOST,
    QUEUED,
    BatchConsumer,
    BatchSchema,
    BatchThread,
    BatchTransport,
    paced,
)
from schemas.settings import KafkaSettings

TRANSACTIONS = TopicPartition("transactions", 3)


def relied_on(what: str, *, holds: bool) -> None:
    assert holds, f"analyzer/transport.py relies on it, and it has changed: {what}"


def parameters(function: Any) -> list[str]:
    return list(inspect.signature(function).parameters)


def source(function: Any) -> str:
    return inspect.getsource(function)


def test_the_fetcher_keeps_results_by_partition_and_wakes_who_waits() -> None:
    relied_on(
        "fetched_records takes what is in Fetcher._records and doesn't wait with timeout 0",
        holds="self._records[tp]" in source(fetching.Fetcher.fetched_records)
        and "if drained or not timeout" in source(fetching.Fetcher.fetched_records),
    )
    relied_on(
        "Fetcher._create_fetch_waiter resolves when something was fetched",
        holds="_create_fetch_waiter()" in source(fetching.Fetcher.fetched_records),
    )


def test_fausts_consumer_asks_its_thread_for_records_and_makes_a_message_of_each() -> None:
    relied_on(
        "AIOKafkaConsumerThread._fetch_records(consumer, active_partitions, timeout, max_records)",
        holds=parameters(driver.AIOKafkaConsumerThread._fetch_records)
        == ["self", "consumer", "active_partitions", "timeout", "max_records"]
        == parameters(BatchThread._fetch_records),
    )
    relied_on(
        "the thread calls it with the setting broker_max_poll_records",
        holds="_max_poll_records" in source(driver.AIOKafkaConsumerThread.getmany),
    )
    relied_on(
        "Consumer.getmany makes messages by _to_message(tp, record)",
        holds="to_message(tp, record)" in source(consuming.Consumer.getmany)
        and parameters(driver.Consumer._to_message) == parameters(BatchConsumer._to_message),
    )
    relied_on(
        "Consumer._drain_messages compares offsets with _read_offset alone",
        holds="get_read_offset = self._read_offset.__getitem__" in source(consuming.Consumer._drain_messages),
    )
    relied_on(
        "Consumer._drain_messages waits for each message to be taken, or for the flow to be suspended",
        holds="callback(message), self.suspend_flow.wait()" in source(consuming.Consumer._drain_messages),
    )
    relied_on(
        "Consumer.seek seeks by _seek(partition, offset)",
        holds="await self._seek(partition, offset)" in source(consuming.Consumer.seek),
    )
    relied_on("Consumer._commit takes offsets", holds=parameters(driver.Consumer._commit) == ["self", "offsets"])
    for name in ("on_buffer_full", "on_buffer_drop"):
        relied_on(f"Consumer.{name}(tp)", holds=parameters(getattr(consuming.Consumer, name)) == ["self", "tp"])


async def test_an_app_gets_our_transport_and_its_settings() -> None:
    app = make_app(KafkaSettings(bootstrap_servers="127.0.0.1:1"), CARDS, 30.0)
    relied_on("App._new_transport makes the transport", holds=type(app.transport) is BatchTransport)
    consumer = cast("Any", app.consumer)
    relied_on("Transport.Consumer is the consumer's class", holds=type(consumer) is BatchConsumer)
    relied_on("Consumer._new_consumer_thread makes the thread", holds=type(consumer._thread) is BatchThread)
    consumer._read_offset["tp"] = 7
    assert consumer._read_offset["tp"] is None
    assert (app.conf.stream_buffer_maxsize, app.conf.broker_max_poll_records) == (QUEUED, MOST)


async def test_the_client_is_made_with_the_time_that_a_fetch_may_wait() -> None:
    app = make_app(KafkaSettings(bootstrap_servers="127.0.0.1:1"), CARDS, 30.0)
    thread = cast("Any", app.consumer)._thread
    thread._thread_loop = asyncio.get_running_loop()
    client = thread._create_worker_consumer(app.transport)
    try:
        assert client._fetch_max_wait_ms == FETCH_MAX_WAIT_MS
        assert client._max_poll_records == MOST
        relied_on(
            "AIOKafkaConsumer.start makes its fetcher with _fetch_max_wait_ms",
            holds="fetch_max_wait_ms=self._fetch_max_wait_ms" in source(AIOKafkaConsumer.start),
        )
    finally:
        client._closed = True


class FetcherFake:
    """Answers at once, and remembers which broker was asked when."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, float]] = []

    async def _proc_fetch_request(self, assignment: str, node_id: int, request: str) -> tuple[str, str]:
        self.asked.append((node_id, asyncio.get_running_loop().time()))
        return assignment, request


async def test_a_broker_is_asked_again_after_some_time_only_and_another_at_once() -> None:
    fetcher = FetcherFake()
    paced(fetcher, 0.05)
    for number, node_id in enumerate([1, 1, 2, 1]):
        assert await fetcher._proc_fetch_request("assignment", node_id, f"{number}") == ("assignment", f"{number}")
    (_, first), (_, second), (_, of_another), (_, last) = fetcher.asked
    assert second - first >= 0.049
    assert of_another >= second
    assert last - second >= 0.049


def test_the_fetcher_asks_each_broker_by_a_method_that_can_be_paced() -> None:
    relied_on(
        "Fetcher asks a broker by self._proc_fetch_request(assignment, node_id, request), in a task, one at a time",
        holds="self._proc_fetch_request(assignment, node_id, request)"
        in source(fetching.Fetcher._fetch_requests_routine)
        and "self._in_flight.add(node_id)" in source(fetching.Fetcher._fetch_requests_routine)
        and parameters(fetching.Fetcher._proc_fetch_request) == ["self", "assignment", "node_id", "request"],
    )
    relied_on(
        "the thread keeps its consumer, whose fetcher is made when it starts",
        holds="self._consumer = self._create_consumer" in source(driver.AIOKafkaConsumerThread.on_start)
        and "self._fetcher = Fetcher(" in source(AIOKafkaConsumer.start),
    )
    assert FETCH_MAX_WAIT_MS / 1000 > FETCH_EVERY_S


def test_the_tables_of_an_app_start_without_a_wait() -> None:
    app = make_app(KafkaSettings(bootstrap_servers="127.0.0.1:1"), CARDS, 30.0)
    relied_on(
        "conf.TableManager is the class of App.tables", holds=type(app.tables) is cast("Any", app.conf.TableManager)
    )
    relied_on(
        "TableManager.on_start sleeps, makes channels and starts the recovery, and does nothing else",
        holds=[line.strip() for line in source(TableManager.on_start).splitlines()[2:]]
        == [
            "await self.sleep(1.0)",
            "if not self.should_stop:",
            "await self._update_channels()",
            "await self.recovery.start()",
        ],
    )


async def test_health_names_a_broker_that_is_away_and_for_how_long() -> None:
    app, seconds = make_app(KafkaSettings(bootstrap_servers="127.0.0.1:1"), CARDS, 30.0), [100.0]
    contact, thread = Contact(app, lambda: seconds[0]), cast("Any", app.consumer)._thread
    relied_on("the thread has no consumer before it starts", holds=thread._consumer is None)
    assert contact.problem() is None
    relied_on(
        "AIOKafkaConnection._reader tells whether it is connected",
        holds="self._reader is not None and not self._reader.at_eof()" in source(AIOKafkaConnection.connected),
    )
    relied_on("AIOKafkaClient._conns", holds="self._conns = {}" in source(AIOKafkaClient.__init__))
    thread._thread_loop = asyncio.get_running_loop()
    client = thread._consumer = thread._create_worker_consumer(app.transport)
    connection = client._client._conns[1, 0] = AIOKafkaConnection("127.0.0.1", 1)
    assert contact.problem() is None
    seconds[0] += 7
    assert contact.problem() == "no broker reached for 7 s"
    connection._reader = cast("Any", SimpleNamespace(at_eof=lambda: False))
    assert contact.problem() is None
    client._closed, connection._reader = True, None


class ThreadFake:
    """Remembers what is called in it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.client = SimpleNamespace(seek=lambda *_: None)

    def _ensure_consumer(self) -> Any:
        return self.client

    async def call_thread(self, *call: Any) -> None:
        self.calls.append(call)


async def test_a_seek_happens_in_the_thread_that_fetches() -> None:
    consumer = cast("Any", make_app(KafkaSettings(bootstrap_servers="127.0.0.1:1"), CARDS, 30.0).consumer)
    thread = consumer._thread = ThreadFake()
    await consumer.seek(TRANSACTIONS, 7)
    assert thread.calls == [(thread.client.seek, TRANSACTIONS, 7)]


async def test_an_event_of_our_schema_has_the_fetch_as_its_value() -> None:
    app = make_app(KafkaSettings(bootstrap_servers="127.0.0.1:1"), CARDS, 30.0)
    fetch = (Batch("transactions", 3, [0], [b"a"], [b"1"], [()], [1_767_265_199_991]),)
    message = cast("Any", app.consumer)._to_message(TRANSACTIONS, fetch)
    assert (message.tp, message.offset) == (TRANSACTIONS, 0)
    event = await app.topic(CARDS.source, schema=BatchSchema()).decode(message, propagate=True)
    assert event.value is fetch


def test_the_producer_sends_batches_in_order_and_at_once_when_they_are_closed() -> None:
    relied_on(
        "send_batch(batch, topic, partition) and create_batch()",
        holds=parameters(AIOKafkaProducer.send_batch) == ["self", "batch", "topic", "partition"]
        and parameters(AIOKafkaProducer.create_batch) == ["self"],
    )
    relied_on("Faust's producer has _ensure_producer", holds=hasattr(driver.Producer, "_ensure_producer"))
    relied_on("a closed batch doesn't linger", holds="self._builder.closed()" in source(MessageBatch.remaining_linger))
    relied_on(
        "a batch waits until the one before is on its way, and one that is sent again goes first",
        holds="wait_drain" in source(MessageAccumulator.add_batch)
        and "appendleft" in source(MessageAccumulator.reenqueue),
    )
