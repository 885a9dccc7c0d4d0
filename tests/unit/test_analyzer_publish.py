"""Sending by batches: what goes together, in which order, to which partition, and what is refused."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import RecordMetadata
from hypothesis import given
from hypothesis import strategies as st

from analyzer.ports import Outgoing, Written
from analyzer.publish import LARGEST_BATCH_BYTES, LARGEST_RECORD_BYTES, FaustPublisher, partition_of
from analyzer.stage import CARDS
from schemas.dead_letter import Header, Origin, error_headers
from schemas.errors import BadRecordError, UserError

LETTERS, TOLD = "transactions.dlq", "notifications"


class ProducerFake:
    """Takes aiokafka's own batches of topics with four partitions; refuses them where it is told to."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.sent: list[tuple[str, int, list[Any]]] = []

    async def partitions_for(self, _: str) -> set[int]:
        return {0, 1, 2, 3}

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(LARGEST_BATCH_BYTES, 0)

    async def send_batch(self, builder: BatchBuilder, topic: str, *, partition: int) -> asyncio.Future[RecordMetadata]:
        assert builder.closed(), "else the client waits for more"
        records = MemoryRecords(bytes(builder._build()))
        found = []
        while records.has_next():
            found.extend(records.next_batch())
        offset = sum(len(records) for *place, records in self.sent if place == [topic, partition])
        self.sent.append((topic, partition, found))
        taken: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        if self.refuses:
            taken.set_exception(MessageSizeTooLargeError())
        else:
            tp = TopicPartition(topic, partition)
            taken.set_result(RecordMetadata(topic, partition, tp, offset, None, 0, None))
        return taken


def publisher(producer: ProducerFake) -> FaustPublisher:
    return FaustPublisher(
        cast("Any", SimpleNamespace(producer=SimpleNamespace(_ensure_producer=lambda: producer))), CARDS.group
    )


async def sent(*outgoing: Outgoing) -> list[tuple[str, int, list[Any]]]:
    producer = ProducerFake()
    await (await publisher(producer).send(outgoing))
    return producer.sent


async def test_records_arrive_with_key_value_headers_and_their_own_timestamp() -> None:
    headers: tuple[Header, ...] = (("trace", b"\x00\xff"), ("trace", None))
    ((topic, partition, records),) = await sent(
        Outgoing(LETTERS, b"k", b"v", headers, 2, timestamp_ms=1_767_265_199_991)
    )
    (one,) = records
    assert (topic, partition) == (LETTERS, 2)
    assert (one.key, one.value, one.timestamp) == (b"k", b"v", 1_767_265_199_991)
    assert tuple(one.headers) == headers


async def test_a_record_may_have_neither_key_nor_value_and_has_the_time_of_its_sending() -> None:
    ((_, _, (one,)),) = await sent(Outgoing(LETTERS, None, None, partition=1))
    assert (one.key, one.value) == (None, None)
    assert one.timestamp > 1_767_265_199_991


async def test_what_goes_to_a_partition_goes_in_its_order_and_together() -> None:
    found = await sent(*[Outgoing(topic, b"key", str(n).encode()) for n in range(10) for topic in (LETTERS, TOLD)])
    assert [[one.value for one in records] for _, _, records in found] == [[str(n).encode() for n in range(10)]] * 2
    assert {topic for topic, _, _ in found} == {LETTERS, TOLD}


async def test_a_full_batch_is_followed_by_another_and_partitions_take_turns() -> None:
    half = b"x" * (LARGEST_BATCH_BYTES // 2)
    found = await sent(*[Outgoing(TOLD, None, half, partition=n % 2) for n in range(4)])
    assert [(partition, len(records)) for _, partition, records in found] == [(0, 1), (1, 1), (0, 1), (1, 1)]


async def test_it_says_where_the_records_are_those_of_a_partition_in_their_order() -> None:
    sender = publisher(ProducerFake())
    large = b"x" * (LARGEST_BATCH_BYTES // 2)
    states = [Outgoing("states", b"k", value, partition=place) for value, place in [(large, 3), (large, 3), (b"", 2)]]
    assert await (await sender.send(states)) == [
        Written("states", 3, 0, 1),
        Written("states", 2, 0, 1),
        Written("states", 3, 1, 1),
    ]
    assert await (await sender.send([states[2], states[2]])) == [Written("states", 2, 1, 2)]


async def test_a_record_larger_than_a_batch_makes_one_of_its_own() -> None:
    values = [b"a", b"x" * (2 * LARGEST_BATCH_BYTES), b"b"]
    found = await sent(*[Outgoing(TOLD, b"key", value) for value in values])
    assert [[one.value for one in records] for _, _, records in found] == [[value] for value in values]


@given(st.binary(max_size=80), st.integers(1, 50))
def test_a_key_belongs_to_the_partition_that_other_clients_choose(key: bytes, count: int) -> None:
    partitions = list(range(count))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, partitions, partitions)


def test_a_record_without_a_key_goes_to_any_partition() -> None:
    assert partition_of(None, [5]) == 5


DEAD = tuple(error_headers((), Origin("transactions", 3, 17), "analyzer", BadRecordError("bad")))


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_dead_letter_that_is_too_large_names_its_record_and_the_remedy(*, at_once: bool) -> None:
    size = LARGEST_RECORD_BYTES if at_once else 5
    small = Outgoing(
        LETTERS, b"k", b"1", tuple(error_headers((), Origin("other", 1, 2), "analyzer", BadRecordError("b")))
    )
    with pytest.raises(UserError) as raised:
        await (await publisher(ProducerFake(refuses=True)).send([Outgoing(LETTERS, b"k", b"x" * size, DEAD), small]))
    assert str(raised.value) == (
        f"transactions.dlq doesn't take the dead letter of transactions, partition 3, offset 17, of {size + 1} bytes"
        " and its headers: set its max.message.bytes to 2097152, or if the record is larger still, move the group"
        " cardwatch-analyzer past it"
    )


async def test_any_other_record_that_is_too_large_is_named_with_the_remedy() -> None:
    with pytest.raises(UserError, match="notifications doesn't take the record of 2 bytes and its headers: set"):
        await (await publisher(ProducerFake(refuses=True)).send([Outgoing(TOLD, b"k", b"v")]))
