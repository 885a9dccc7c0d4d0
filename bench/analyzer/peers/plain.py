"""A plain consumer, a dict of cards, nothing durable but offsets and notifications: about what Python can do.

Records come by the thousand (`consume`), schemas are parsed, nothing is awaited a record at a time. Every second the
producer is flushed and the offsets are committed. After a crash the windows are gone.
"""

from __future__ import annotations

import signal
import time
from collections import defaultdict

from confluent_kafka import Consumer, Producer, TopicPartition

from bench.analyzer.peers import setup
from bench.analyzer.peers.rules import Card

BATCH = 1_000
WAIT_S = 0.02
COMMIT_S = 1.0


def main() -> None:
    """Work until SIGTERM."""
    told = setup.read()
    consumer = Consumer(
        {
            "bootstrap.servers": told.bootstrap_servers,
            "group.id": told.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": setup.SESSION_S * 1_000,
        }
    )
    producer = Producer({"bootstrap.servers": told.bootstrap_servers, "acks": "all", "linger.ms": 5})
    consumer.subscribe([told.topic])
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    cards: defaultdict[str, Card] = defaultdict(lambda: Card([]))
    positions: dict[int, int] = {}
    judge, read, write = told.rules.judge, told.wire.read, told.wire.write
    committed = time.monotonic()
    while not stopping:
        for message in consumer.consume(BATCH, timeout=WAIT_S):
            value = message.value()
            if message.error() or value is None:
                continue
            transaction = read(value)
            findings = judge(cards[transaction["cardId"]], transaction)
            if findings:
                producer.produce(told.out, write(transaction, findings), message.key())
            positions[message.partition() or 0] = (message.offset() or 0) + 1
        producer.poll(0)
        if positions and time.monotonic() - committed >= COMMIT_S:
            producer.flush()
            consumer.commit(
                offsets=[TopicPartition(told.topic, *each) for each in positions.items()], asynchronous=False
            )
            positions.clear()
            committed = time.monotonic()
    consumer.close()


if __name__ == "__main__":
    main()
