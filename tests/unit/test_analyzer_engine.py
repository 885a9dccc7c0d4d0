"""What is asked of Faust, and what comes back: positions, records, and what the producer refuses."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import IllegalStateError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from faust.types import TP

from analyzer.engine import FaustPositions, FaustPublisher
from analyzer.settle import Outgoing
from analyzer.stage import CARDS
from analyzer.worker import incoming
from schemas.dead_letter import Origin, error_headers
from schemas.errors import BadRecordError, UserError
from schemas.topics import TRANSACTIONS


class ConsumerFake:
    """Has partition 1 alone, committed up to 5."""

    def __init__(self) -> None:
        fetcher = SimpleNamespace(_fetch_max_wait_ms=0)
        client = SimpleNamespace(_fetcher=fetcher, seek=self.seek)
        self._thread = SimpleNamespace(
            _consumer=client, _ensure_consumer=lambda: client, call_thread=lambda do, *args: do(*args)
        )
        self.sought: list[tuple[TP, int]] = []

    async def seek_to_committed(self) -> dict[TP, int]:
        return {TP("transactions", 1): 5}

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 2)

    async def seek(self, tp: TP, offset: int) -> None:
        self.check(tp)
        self.sought.append((tp, offset))

    async def position(self, tp: TP) -> int:
        self.check(tp)
        return 9

    def check(self, tp: TP) -> None:
        if tp.partition != 1:
            raise IllegalStateError(f"No current assignment for partition {tp}")


def positions(consumer: ConsumerFake) -> FaustPositions:
    return FaustPositions(cast("Any", SimpleNamespace(consumer=consumer)), TRANSACTIONS)


async def test_a_partition_is_read_from_what_the_group_has_committed() -> None:
    consumer = ConsumerFake()
    assert await positions(consumer).begin([1]) == {1: 5}
    assert consumer.sought == [(TP("transactions", 1), 5)]


async def test_a_partition_taken_away_before_it_began_leaves_the_rest_to_the_next_assignment() -> None:
    assert await positions(ConsumerFake()).begin([1, 2]) is None


async def test_a_partition_taken_away_meanwhile_is_neither_sought_nor_has_a_position() -> None:
    consumer = ConsumerFake()
    await positions(consumer).seek(2, 7)
    assert consumer.sought == []
    assert await positions(consumer).position(2) is None
    assert await positions(consumer).position(1) == 9


class ProducerFake:
    """Remembers the timestamps as Faust's producer hands them to the broker's client, in milliseconds."""

    def __init__(self) -> None:
        self.timestamps_ms: list[int | None] = []

    async def send(
        self, _topic: str, _key: object, _value: object, _partition: object, timestamp: float | None, _headers: object
    ) -> Any:
        self.timestamps_ms.append(int(timestamp * 1000.0) if timestamp else None)


@pytest.mark.parametrize("timestamp_ms", [1, 999, *range(1_767_265_199_990, 1_767_265_200_010)])
async def test_a_records_own_timestamp_goes_through_faust_unchanged(timestamp_ms: int) -> None:
    message = SimpleNamespace(
        topic="transactions",
        partition=1,
        offset=2,
        key=None,
        value=b"",
        headers=None,
        timestamp=timestamp_ms / 1000.0,  # as Faust does
    )
    producer = ProducerFake()
    publisher = FaustPublisher(cast("Any", SimpleNamespace(producer=producer)), CARDS.group)
    await publisher.send(Outgoing("transactions.dlq", None, b"", timestamp_ms=incoming(message).timestamp_ms))
    await publisher.send(Outgoing("notifications", None, b""))
    assert producer.timestamps_ms == [timestamp_ms, None]


def test_a_record_without_a_timestamp_has_none() -> None:
    message = SimpleNamespace(
        topic="transactions", partition=1, offset=2, key=None, value=b"", headers=None, timestamp=-0.001
    )
    assert incoming(message).timestamp_ms is None


class Refusing:
    """Refuses what it is given as too large: at once, as the client does, or later, as the broker does."""

    def __init__(self, *, at_once: bool) -> None:
        self.at_once = at_once

    async def send(self, *_: object) -> asyncio.Future[object]:
        if self.at_once:
            raise ProducerSendError("Error while sending") from MessageSizeTooLargeError()
        refused: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        refused.set_exception(MessageSizeTooLargeError())
        return refused


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_dead_letter_that_is_too_large_names_its_record_and_the_remedy(*, at_once: bool) -> None:
    publisher = FaustPublisher(cast("Any", SimpleNamespace(producer=Refusing(at_once=at_once))), CARDS.group)
    headers = error_headers((), Origin("transactions", 3, 17), "analyzer", BadRecordError("bad"))
    with pytest.raises(UserError) as raised:
        await (await publisher.send(Outgoing("transactions.dlq", b"k", b"12345", tuple(headers))))
    assert str(raised.value) == (
        "transactions.dlq doesn't take the dead letter of transactions, partition 3, offset 17, of 6 bytes and its"
        " headers: set its max.message.bytes to 2097152, or if the record is larger still, move the group"
        " cardwatch-analyzer past it"
    )
