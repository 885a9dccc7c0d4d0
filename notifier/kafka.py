"""The consumer of confluent-kafka, and its messages as records."""

from __future__ import annotations

import logging
from typing import Final, cast

import structlog
from confluent_kafka import (
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    Message,
    TopicPartition,
)

from notifier.envelope import Record
from notifier.settings import NotifierSettings
from schemas.dead_letter import Header
from schemas.kafka import client_set_up
from schemas.settings import KafkaSettings

_TIMESTAMP_TYPES: Final = {TIMESTAMP_CREATE_TIME: "CreateTime", TIMESTAMP_LOG_APPEND_TIME: "LogAppendTime"}


def _committed(error: KafkaError | None, _: list[TopicPartition]) -> None:
    if error is not None:
        structlog.get_logger(__name__).warning("offsets not committed", error=error.str())


def consumer(kafka: KafkaSettings, settings: NotifierSettings) -> Consumer:
    """Return a consumer that commits nothing by itself."""
    config = {
        "group.id": settings.group,
        "client.id": "cardwatch-notifier",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "session.timeout.ms": int(settings.session_timeout_s * 1000),
        "heartbeat.interval.ms": int(settings.session_timeout_s * 1000 / 4),
        "queued.max.messages.kbytes": 16 * 1024,
        # The embedded broker answers an empty fetch late and new records no sooner: half of this is the latency.
        "fetch.wait.max.ms": 50,
        "on_commit": _committed,
    }
    with client_set_up():
        return Consumer({**kafka.librdkafka(), **config}, logger=logging.getLogger("librdkafka"))


def to_record(message: Message) -> Record:
    """Return the parts of a message that count."""
    kind, timestamp_ms = message.timestamp()
    return Record(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp_ms=timestamp_ms if kind in _TIMESTAMP_TYPES and timestamp_ms >= 0 else None,
        timestamp_type=_TIMESTAMP_TYPES.get(kind, "NoTimestampType"),
        headers=tuple(cast("list[Header]", message.headers() or [])),
        key=message.key(),
        value=message.value(),
    )
