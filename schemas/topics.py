"""The topics, read from `topics.toml`, and how they are made on a broker."""

from __future__ import annotations

import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ClusterMetadata, NewPartitions, NewTopic

from schemas.errors import UnavailableError, UserError
from schemas.kafka import Refusals, client_set_up, text
from schemas.settings import KafkaSettings

TRANSACTIONS: Final = "transactions"
LABELS: Final = "labels"
ORACLE: Final = "oracle"
NOTIFICATIONS: Final = "notifications"
SHADOW: Final = "shadow"
SIGHTINGS: Final = "sightings"
CARDS_CHANGELOG: Final = "analyzer-cards-changelog"
TERMINALS_CHANGELOG: Final = "analyzer-terminals-changelog"

_FILE: Final = Path(__file__).with_name("topics.toml")
_ADMIN_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Topic:
    """One row of `topics.toml`."""

    name: str
    partitions: int
    key: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    schema: str | None = None
    config: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What was found or done for one topic: `created`, `grown`, `kept` or `mismatch`."""

    topic: str
    action: str
    detail: str


def load(file: Path = _FILE) -> dict[str, Topic]:
    """Return the topics by name.

    Raises:
        UserError: the file is not valid TOML, or a topic lacks a field or has one too many.
    """
    try:
        rows = tomllib.loads(file.read_text())
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file.name} is not valid TOML: {error}") from None
    topics = {}
    for name, row in rows.items():
        try:
            writers, readers = tuple(row.pop("writers")), tuple(row.pop("readers"))
            topics[name] = Topic(name=name, writers=writers, readers=readers, **row)
        except (TypeError, KeyError) as error:
            raise UserError(f"{file.name}, topic {name!r}: {error}") from None
        if topics[name].partitions < 1:
            raise UserError(f"{file.name}, topic {name!r}: partitions must be at least 1")
    return topics


def admin(kafka: KafkaSettings, refusals: Refusals | None = None) -> AdminClient:
    """Return an admin client that says nothing on stderr by itself.

    Raises:
        UserError: librdkafka refuses the settings.
    """
    own: dict[str, Any] = {"log_level": 0, "error_cb": refusals or Refusals()}
    with client_set_up():
        return AdminClient({**kafka.librdkafka(), **own})


def wait_for_broker(kafka: KafkaSettings) -> ClusterMetadata:
    """Return the cluster's metadata as soon as a broker answers.

    Raises:
        UserError: the settings are refused, by librdkafka or by a broker.
        UnavailableError: none did within `KAFKA_CONNECT_TIMEOUT_S`.
    """
    refusals = Refusals()
    client = admin(kafka, refusals)
    deadline = time.monotonic() + kafka.connect_timeout_s
    patience = 0.5  # short at first: a refusal is told to the user only between two tries
    while True:
        left = deadline - time.monotonic()
        try:
            return client.list_topics(timeout=max(0.1, min(left, patience)))
        except KafkaException as error:
            client.poll(0)  # tells `refusals`
            refusals.check()
            if left <= 0:
                raise UnavailableError(
                    f"no Kafka broker answers at {kafka.bootstrap_servers} within {kafka.connect_timeout_s:g} s"
                    f" ({text(error)}). Is it running, and is KAFKA_BOOTSTRAP_SERVERS right?"
                ) from None
            patience = min(2 * patience, 5.0)


def require(kafka: KafkaSettings, *names: str) -> dict[str, int]:
    """Wait for the broker and return the partition counts of `names`.

    Raises:
        UserError: a topic is missing.
        UnavailableError: no broker answers.
    """
    found = wait_for_broker(kafka).topics
    missing = [name for name in names if name not in found]
    if missing:
        raise UserError(f"topic {', '.join(missing)} does not exist: run `python -m schemas topics`")
    return {name: len(found[name].partitions) for name in names}


def create(
    kafka: KafkaSettings, topics: dict[str, Topic], *, replication: int = -1, partitions: int | None = None
) -> list[Change]:
    """Make what is missing, add partitions where some are missing, and never take any away.

    Args:
        kafka: the cluster.
        topics: what should be there.
        replication: copies of each partition; -1 leaves it to the broker.
        partitions: overrides the count of every topic that has more than one.

    Returns:
        One `Change` a topic, in the order of `topics`.

    Raises:
        UserError: the broker refuses a topic.
        UnavailableError: no broker answers.
    """
    found = wait_for_broker(kafka).topics
    client = admin(kafka)
    changes = []
    for topic in topics.values():
        wanted = partitions if partitions and topic.partitions > 1 else topic.partitions
        there = len(found[topic.name].partitions) if topic.name in found else 0
        changes.append(_reconcile(client, topic, wanted, there, replication))
    _wait_until_known(kafka, {change.topic for change in changes})
    return changes


def _wait_until_known(kafka: KafkaSettings, names: set[str]) -> None:
    # A broker acknowledges a topic before every answer of its knows of it.
    deadline = time.monotonic() + _ADMIN_TIMEOUT_S
    while missing := names - wait_for_broker(kafka).topics.keys():
        if time.monotonic() > deadline:
            names_missing = ", ".join(sorted(missing))
            raise UnavailableError(f"the broker has made, but for {_ADMIN_TIMEOUT_S:g} s not listed: {names_missing}")
        time.sleep(0.05)


def _reconcile(client: AdminClient, topic: Topic, wanted: int, there: int, replication: int) -> Change:
    if there == wanted:
        return Change(topic.name, "kept", f"{there} partitions")
    if there == 0:
        new = NewTopic(topic.name, wanted, replication, config=topic.config)
        made = client.create_topics([new], operation_timeout=_ADMIN_TIMEOUT_S)[topic.name]
        action, detail = "created", f"{wanted} partitions"
    elif there > wanted:
        detail = f"has {there} partitions, topics.toml says {wanted}; Kafka can't take partitions away: left as it is"
        return Change(topic.name, "mismatch", detail)
    elif topic.key != "as the original":
        detail = (
            f"has {there} partitions, topics.toml says {wanted}; more partitions would send a key elsewhere"
            " than its past: left as it is"
        )
        return Change(topic.name, "mismatch", detail)
    else:
        made = client.create_partitions([NewPartitions(topic.name, wanted)])[topic.name]
        action, detail = "grown", f"{there} to {wanted} partitions"
    try:
        made.result(_ADMIN_TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return Change(topic.name, "kept", "made by somebody else just now")
        raise UserError(
            f"the broker refuses topic {topic.name}: {text(error)}; its settings stand in schemas/topics.toml"
        ) from None
    return Change(topic.name, action, detail)
