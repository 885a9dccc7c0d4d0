"""Puts dead letters back on the topic they came from, once their cause is mended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from notifier.dead_letter import Outbox
from notifier.envelope import Record
from notifier.kafka import to_record
from schemas import topics
from schemas.dead_letter import Origin, origin, original_headers, reason
from schemas.errors import UnavailableError
from schemas.kafka import client_set_up
from schemas.settings import KafkaSettings

GROUP: Final = "cardwatch-redrive"
_TIMEOUT_S: Final = 30.0
_PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
_COORDINATOR_MOVES: Final = frozenset(
    {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS}
)
"""What a broker answers while the group's offsets are not where they were, or not loaded yet."""

_T = TypeVar("_T")


@dataclass(slots=True)
class Summary:
    """What a redrive did."""

    moved: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    unknown: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Letters that went back, or would."""
        return sum(self.moved.values())


Put = Callable[[Record, Origin], None]
"""Writes a dead letter back to where it came from; returns once it is safe."""


def redrive(kafka: KafkaSettings, topic: str, *, limit: int | None, dry_run: bool, put: Put) -> Summary:
    """Put back the letters of `topic` that were not put back before.

    Offsets of the group `cardwatch-redrive` are committed after each acknowledged letter, so a redrive that is
    cut short or run again repeats nothing but the letter it was cut at. Two at once would put back twice.

    Args:
        kafka: the cluster.
        topic: a dead-letter topic.
        limit: stop after so many; None: at the end as it is now.
        dry_run: look only.
        put: writes a letter back.

    Raises:
        UserError: there is no such topic.
        UnavailableError: the broker is away.
    """
    count = topics.require(kafka, topic)[topic]
    config = {
        "group.id": GROUP,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": True,
        "log_level": 0,
    }
    with client_set_up():
        source = Consumer({**kafka.librdkafka(), **config})
    summary = Summary()
    try:
        for partition in range(count):
            _redrive_partition(source, TopicPartition(topic, partition), summary, limit, None if dry_run else put)
    except KafkaException as error:
        raise UnavailableError(f"the broker can't be asked for {topic}: {error}") from error
    finally:
        source.close()
    return summary


def _redrive_partition(
    source: Consumer, place: TopicPartition, summary: Summary, limit: int | None, put: Put | None
) -> None:
    committed = patiently(lambda: source.committed([place], timeout=_TIMEOUT_S), _PAUSES_S)[0].offset
    start = committed if committed >= 0 else OFFSET_BEGINNING
    source.assign([TopicPartition(place.topic, place.partition, start)])
    letters = _to_end(source, place)
    while limit is None or summary.total < limit:
        message = next(letters, None)
        if message is None:
            return
        _put_back(message, summary, put)
        if put is not None:
            done = TopicPartition(place.topic, place.partition, (message.offset() or 0) + 1)
            patiently(partial(source.commit, offsets=[done], asynchronous=False), _PAUSES_S)


def patiently(call: Callable[[], _T], pauses_s: Iterable[float], sleep: Callable[[float], None] = time.sleep) -> _T:
    """Return what `call` returns; while the group's coordinator is just moving, call again after each pause."""
    for pause_s in pauses_s:
        try:
            return call()
        except KafkaException as error:
            if error.args[0].code() not in _COORDINATOR_MOVES:
                raise
            sleep(pause_s)
    return call()


def _to_end(source: Consumer, place: TopicPartition) -> Iterator[Message]:
    """Yield the letters up to the end of the partition as the first fetch reports it.

    Not as ListOffsets does: the embedded broker's answer misses the rest of the last batch. Nor as the last
    fetch does: a letter that went back and failed again would be met again, without end.
    """
    end: int | None = None
    while True:
        message = source.poll(_TIMEOUT_S)
        error = message.error() if message else None
        if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            return
        if message is None or error is not None:
            problem = error.str() if error else f"nothing came within {_TIMEOUT_S:g} s"
            raise UnavailableError(f"topic {place.topic} can't be read: {problem}; run it again")
        if end is None:
            end = source.get_watermark_offsets(place, cached=True)[1]
        yield message
        if (message.offset() or 0) + 1 >= end:
            return


def _put_back(message: Message, summary: Summary, put: Put | None) -> None:
    letter = to_record(message)
    home = origin(letter.headers)
    if home is None:
        summary.unknown.append(f"{letter.topic}[{letter.partition}]@{letter.offset}")
        return
    if put is not None:
        put(letter, home)
    summary.moved[home.topic] += 1
    summary.reasons[reason(letter.headers) or "no reason given"] += 1


def to_origin(kafka: KafkaSettings) -> Put:
    """Return what writes letters back: same topic, partition, key, value and own headers, acknowledged.

    The partition is the one it was read from, so that a key stays where its other records are.
    """
    outbox = Outbox(kafka)
    partitions: dict[str, int] = {}

    def put(letter: Record, home: Origin) -> None:
        if home.topic not in partitions:
            partitions.update(topics.require(kafka, home.topic))
        partition = home.partition if home.partition < partitions[home.topic] else -1
        outbox.put(
            home.topic,
            letter.key,
            letter.value,
            original_headers(letter.headers),
            place=f"{letter.topic}[{letter.partition}]@{letter.offset}",
            partition=partition,
            timestamp_ms=letter.timestamp_ms,
        )

    return put
