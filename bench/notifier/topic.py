"""The topic that is read: notifications as the analyzer writes them, and the entries that must come of them."""

from __future__ import annotations

from functools import partial
from typing import Any, Final
from uuid import UUID

from confluent_kafka import KafkaError, Message, Producer

from bench.sample import FINDINGS, SCORE
from schemas.codec import Encoder
from schemas.settings import KafkaSettings

VERSION: Final = UUID(int=0x5C)
"""Of the one schema; the endpoint answers every version with it."""
_CARDS: Final = 9973
_UNACKNOWLEDGED: Final = 50_000
"""Half of what librdkafka takes."""
TIMESTAMP_MS: Final = 1_767_312_000_000
"""Of notification 0; each is a millisecond after the one before."""
_EPOCH_MS: Final = 1_767_225_600_000


def notification(number: int) -> dict[str, Any]:
    """Return notification `number`, about 0.5 kB in Avro and 1 kB as an entry."""
    minor = 1_999 + number * 37 % 500_000
    detail = {
        "userId": f"user-{number % _CARDS:05d}",
        "total": minor / 100,
        "notificationId": str(UUID(int=number)),
        "transactionId": str(UUID(int=number + (1 << 96))),
        "cardId": card(number),
        "cardLastFour": f"{number % 10_000:04d}",
        "totalMinor": minor,
        "currency": "EUR",
        "merchantName": "Café Oliveira & Filhos",
        "country": "FR",
        "eventTime": _EPOCH_MS + number * 250,
        "detectionTime": _EPOCH_MS + number * 250 + 40,
        "score": SCORE,
        "findings": FINDINGS,
        "analyzerVersion": "0.1.0",
    }
    return {"source": "transactionAnalyzer", "eventType": "suspiciousActivity", "eventDetail": detail}


def card(number: int) -> str:
    """Return the card of notification `number`: ten thousand take turns."""
    return f"card-{number % _CARDS:05d}"


def fill(kafka: KafkaSettings, topic: str, count: int) -> list[tuple[int, int]]:
    """Write `count` notifications; return partition and offset of each, by its number."""
    encode = Encoder("notification", VERSION).encode
    producer = Producer({**kafka.librdkafka(), "partitioner": "murmur2_random", "linger.ms": 20})
    places: list[tuple[int, int]] = [(-1, -1)] * count

    def delivered(number: int, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            raise RuntimeError(f"notification {number} was not written: {error.str()}")
        places[number] = (message.partition() or 0, message.offset() or 0)

    for number in range(count):
        producer.poll(0)
        while len(producer) > _UNACKNOWLEDGED:
            producer.poll(0.1)
        producer.produce(
            topic,
            encode(notification(number)),
            card(number).encode(),
            timestamp=TIMESTAMP_MS + number,
            on_delivery=partial(delivered, number),
        )
    if left := producer.flush(60):
        raise RuntimeError(f"{left} notifications were not written within 60 s")
    return places
