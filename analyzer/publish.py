"""Writing to Kafka through the app's producer, a batch of a partition at a time.

Record by record, aiokafka's producer makes a future and several calls for each; ten times as much as a batch costs.
Not Topic.send_soon or Table.send_changelog of Faust: these go through a buffer, and a failure there never reaches the
message's future.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import Any, Final, cast

import faust
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import murmur2
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import RecordMetadata

from analyzer.ports import Outgoing, Written
from schemas.dead_letter import origin
from schemas.errors import UserError

LARGEST_RECORD_BYTES: Final = 2 * 1024 * 1024
"""A dead letter is its record, of up to 1 MiB by the brokers' default, and headers; see also topics.toml."""

LARGEST_BATCH_BYTES: Final = 64 * 1024
"""A larger record makes a batch of its own. The client sends a broker one batch of each partition at a time, so this
also bounds for how long a notification waits behind states."""

Place = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Records of one partition that are sent together."""

    builder: Any
    """aiokafka's BatchBuilder, closed."""

    records: Sequence[Outgoing]

    @property
    def largest(self) -> Outgoing:
        """The largest record of it: the one to blame when it is refused for its size."""
        return max(self.records, key=_size)


class FaustPublisher:
    """Writes through the app's producer."""

    def __init__(self, app: faust.App, group: str) -> None:
        """Use the producer of `app`, once that runs; `group` is named in errors."""
        self._app, self._group = app, group

    async def send(self, outgoing: Iterable[Outgoing]) -> Awaitable[Sequence[Written]]:
        """Hand records over in their order; what is returned resolves when the broker has taken all, or raises.

        Waits while a batch before is still with the client. For a topic, the next call must not begin before this one
        has returned: that is what keeps the order within a key.

        Raises:
            UserError: a record is larger than may be sent.
        """
        producer = cast("Any", self._app.producer)._ensure_producer()  # noqa: SLF001 - aiokafka's own, below Faust's
        placed = await _placed(producer, outgoing)
        packs = [[(place, pack) for pack in self._packs(producer, records)] for place, records in placed.items()]
        sent = []
        for (topic, partition), pack in _in_turn(packs):  # the client has room for one of each partition
            sent.append((await producer.send_batch(pack.builder, topic, partition=partition), pack))
        return asyncio.gather(*[self._taken(*one) for one in sent])

    def _packs(self, producer: Any, records: Iterable[Outgoing]) -> Iterator[Pack]:
        builder, within = producer.create_batch(), list[Outgoing]()
        for one in records:
            if _estimate(one) > LARGEST_RECORD_BYTES:
                raise _too_large(one, self._group)
            if not _append(builder, one):
                yield Pack(builder, within)  # a builder that is full is closed
                builder, within = producer.create_batch(), []
                _append(builder, one)
            within.append(one)
        builder.close()  # the client waits for no more
        yield Pack(builder, within)

    async def _taken(self, sent: Awaitable[RecordMetadata], pack: Pack) -> Written:
        try:
            first = await sent
        except MessageSizeTooLargeError as error:
            raise _too_large(pack.largest, self._group) from error
        return Written(first.topic, first.partition, first.offset, len(pack.records))


async def _placed(producer: Any, outgoing: Iterable[Outgoing]) -> dict[Place, list[Outgoing]]:
    """Return the records by the partition that each goes to."""
    partitions: dict[str, list[int]] = {}
    placed = defaultdict[Place, list[Outgoing]](list)
    for one in outgoing:
        if one.topic not in partitions:
            partitions[one.topic] = sorted(await producer.partitions_for(one.topic))
        to = partition_of(one.key, partitions[one.topic]) if one.partition is None else one.partition
        placed[one.topic, to].append(one)
    return placed


def _in_turn(packs: Iterable[Sequence[tuple[Place, Pack]]]) -> Iterator[tuple[Place, Pack]]:
    """Return the first of each partition, then the second of each, and so on."""
    return (one for turn in zip_longest(*packs) for one in turn if one is not None)


def partition_of(key: bytes | None, partitions: Sequence[int]) -> int:
    """Return the partition that a key belongs to, as aiokafka's and Java's producers have it; any for no key."""
    if key is None:
        return random.choice(partitions)  # noqa: S311 - no secret
    return partitions[_hash(key) % len(partitions)]


@lru_cache(maxsize=65_536)  # in pure Python it is slow, and cards come again
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF


def _append(builder: Any, one: Outgoing) -> bool:
    appended = builder.append(timestamp=one.timestamp_ms, key=one.key, value=one.value, headers=list(one.headers))
    return appended is not None


def _estimate(one: Outgoing) -> int:
    return int(DefaultRecordBatchBuilder.estimate_size_in_bytes(one.key, one.value, list(one.headers)))


def _size(one: Outgoing) -> int:
    return len(one.key or b"") + len(one.value or b"")


def _too_large(outgoing: Outgoing, group: str) -> UserError:
    found = origin(outgoing.headers)
    what = f"dead letter of {found.topic}, partition {found.partition}, offset {found.offset}," if found else "record"
    remedy = f"set its max.message.bytes to {LARGEST_RECORD_BYTES}"
    if found:
        remedy += f", or if the record is larger still, move the group {group} past it"
    return UserError(f"{outgoing.topic} doesn't take the {what} of {_size(outgoing)} bytes and its headers: {remedy}")
