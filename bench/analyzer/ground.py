"""Where an engine runs: a new broker with the records on it, a registry, and a look at what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import boto3
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from bench.analyzer.engine import GROUP
from demo import broker as brokers
from demo.local_aws import REGION, LocalAws
from demo.records import is_end, partitions, reader
from schemas import topics
from schemas.__main__ import moto_seeder
from schemas.codec import definition
from schemas.errors import UnavailableError
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings
from schemas.topics import NOTIFICATIONS, TRANSACTIONS

_TIMEOUT_S: Final = 60.0
_LOG_APPEND: Final = {"message.timestamp.type": "LogAppendTime"}


@dataclass(slots=True)
class Ground:
    """A broker, and how far things are on it."""

    kafka: KafkaSettings
    ends: dict[int, int] = field(default_factory=dict)
    """By partition of the transactions, how many records it holds."""
    group: Consumer | None = None
    """Asks for the engines' offsets, and never joins."""

    def fill(self, values: Sequence[tuple[bytes, bytes]]) -> None:
        """Write transactions, and return when the broker has all of them."""
        producer = Producer(
            {**self.kafka.librdkafka(), "partitioner": "murmur2_random", "linger.ms": 50, "batch.size": 1_000_000}
        )
        for key, value in values:
            while True:
                try:
                    producer.produce(TRANSACTIONS, value, key, on_delivery=self._delivered)
                    break
                except BufferError:
                    producer.poll(0.05)
            producer.poll(0)
        if producer.flush(_TIMEOUT_S):
            raise UnavailableError(f"the broker has not taken all records within {_TIMEOUT_S:g} s")

    def _delivered(self, error: Any, message: Message) -> None:
        if error is not None:
            raise UnavailableError(f"the broker refuses a record: {error}")
        partition = message.partition() or 0
        self.ends[partition] = self.ends.get(partition, 0) + 1

    def committed(self) -> int:
        """Return how many records the engines' group has committed; -1 when that can't be told now."""
        if self.group is None:
            own: dict[str, Any] = {"group.id": GROUP, "enable.auto.commit": False, "log_level": 0}
            self.group = Consumer({**self.kafka.librdkafka(), **own})
        asked = [TopicPartition(TRANSACTIONS, partition) for partition in self.ends]
        try:
            found = self.group.committed(asked, timeout=_TIMEOUT_S)
        except KafkaException:  # its coordinator is only being found, or a transaction is open: ask again later
            return -1
        return sum(max(0, one.offset) for one in found)


class Tail:
    """Reads the notifications while they come."""

    def __init__(self, kafka: KafkaSettings) -> None:
        """Begin with the first one."""
        self._consumer = reader(kafka, "bench-tail")
        self._consumer.assign(partitions(self._consumer, NOTIFICATIONS))
        self.values: list[bytes] = []
        self.times_ms: list[int] = []
        """When the broker appended each, by its clock."""

    def read(self, wait_s: float) -> int:
        """Take what has come, waiting for it at most so long; return how many there are."""
        for message in self._consumer.consume(10_000, timeout=wait_s):
            value = None if is_end(message) else message.value()
            if value is not None:
                self.values.append(value)
                self.times_ms.append(message.timestamp()[1])
        return len(self.values)

    def close(self) -> None:
        """End it."""
        self._consumer.close()


@contextmanager
def ground(choice: str, folder: Path, say: Callable[[str], None]) -> Iterator[Ground]:
    """Start a new broker with empty topics; it goes with its data afterwards."""
    broker = brokers.make(choice, folder / "broker", say=say)
    try:
        broker.start()
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        wanted = topics.load()
        # The time of a notification is the broker's, so that it doesn't depend on the engine.
        told = wanted[NOTIFICATIONS]
        wanted[NOTIFICATIONS] = replace(told, config={**told.config, **_LOG_APPEND})
        topics.create(kafka, wanted, replication=1)
        made = Ground(kafka)
        yield made
        if made.group:
            made.group.close()
    finally:
        broker.stop()


@contextmanager
def registry(folder: Path) -> Iterator[tuple[dict[str, UUID], dict[str, str]]]:
    """Start a local AWS with every schema; yields their ids by topic, and the environment to reach it."""
    aws = LocalAws(folder)
    try:
        aws.start()
        env = aws.environment({})
        client = boto3.client(
            "glue",
            endpoint_url=aws.url,
            region_name=REGION,
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        )
        glue, seed = GlueRegistry(client), moto_seeder(aws.url)
        yield (
            {
                topic.name: glue.register(topic.name, definition(topic.schema), before_new=seed)
                for topic in topics.load().values()
                if topic.schema
            },
            env,
        )
    finally:
        aws.stop()
