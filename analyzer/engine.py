"""Faust, set up: the app, the table on its changelog, and a publisher. Nothing outside knows its settings."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final, cast

import faust
from faust.types import EventT

from analyzer.settle import Outgoing
from analyzer.states import CardStates
from schemas.settings import KafkaSettings
from schemas.topics import CARDS_CHANGELOG, TRANSACTIONS

APP_ID: Final = "cardwatch-analyzer"
SESSION_TIMEOUT_S: Final = 10.0


def make_app(kafka: KafkaSettings, datadir: Path, partitions: int, send_timeout_s: float) -> faust.App:
    """Return the Faust app: it makes no topics, serves no pages and leaves no files behind."""
    return faust.App(
        APP_ID,
        broker=[f"kafka://{server}" for server in kafka.bootstrap_servers.split(",")],
        broker_credentials=credentials(kafka),
        # Tansu holds a join for the whole rebalance timeout; with the defaults the first record takes 30 s.
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_rebalance_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=1.0,
        broker_commit_interval=1.0,
        broker_request_timeout=max(send_timeout_s, 2 * SESSION_TIMEOUT_S),
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_linger=0.005,
        producer_request_timeout=send_timeout_s,
        store="memory://",
        datadir=datadir,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=partitions,
        table_standby_replicas=0,
        stream_wait_empty=False,  # the settler is drained instead, within a bound
        web_enabled=False,
        autodiscover=False,
    )


def credentials(kafka: KafkaSettings) -> Any:
    """Return how to log in to the brokers, or None for plain connections."""
    context = None
    if "SSL" in kafka.security_protocol:
        context = ssl.create_default_context(cafile=kafka.ssl_ca_location or None)
    if kafka.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=kafka.sasl_username,
            password=kafka.sasl_password.get_secret_value(),
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context=context) if context else None


def raw_topic(app: faust.App, name: str, partitions: int) -> Any:
    """Return a topic whose keys and values stay bytes: Faust would read them as JSON."""
    return app.topic(
        name, partitions=partitions, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )


class CardTable(faust.Table[bytes, bytes]):
    """A table that keeps its rows in `CardStates`, by partition.

    Faust's own store neither knows the partition of a row nor which of two states of a card is newer.
    """

    states: CardStates
    failed: Callable[[BaseException], None]

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Take states from the changelog; on a broken one the worker stops, else its card would start anew."""
        for event in batch:
            message = event.message
            try:
                if message.key is not None and message.value is not None:
                    self.states.restored(message.partition, message.key.decode(), message.value)
            except Exception as error:  # noqa: BLE001 - Faust would log it and go on
                self.failed(error)
                return

    async def on_rebalance(
        self, assigned: set[Any], revoked: set[Any], newly_assigned: set[Any], generation_id: int = 0
    ) -> None:
        """Forget the partitions that are gone; Faust reads their changelog anew should they return."""
        self.states.forget(tp.partition for tp in revoked if tp.topic == CARDS_CHANGELOG)
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)


def make_table(
    app: faust.App, states: CardStates, partitions: int, failed: Callable[[BaseException], None]
) -> CardTable:
    """Return the table of card states, as many partitions as the transactions have."""
    changelog = raw_topic(app, CARDS_CHANGELOG, partitions)
    table = CardTable(
        app, name="cards", partitions=partitions, changelog_topic=changelog, key_type=bytes, value_type=bytes
    )
    table.states, table.failed = states, failed
    app.tables.add(table)
    return table


def source(app: faust.App, partitions: int) -> Any:
    """Return the topic that is read."""
    return raw_topic(app, TRANSACTIONS, partitions)


class FaustPublisher:
    """Writes through the app's producer."""

    def __init__(self, app: faust.App) -> None:
        """Use the producer of `app`, once that runs."""
        self._app = app

    async def send(self, outgoing: Outgoing) -> Awaitable[object]:
        """Hand a record over; what is returned resolves with the broker's acknowledgement, or raises."""
        # Not Topic.send or Table.send_changelog: these go through a buffer whose failures never reach
        # the message's future.
        return await self._app.producer.send(
            outgoing.topic,
            outgoing.key,
            outgoing.value,
            outgoing.partition,
            None,
            cast("list[tuple[str, bytes]]", list(outgoing.headers)) or None,  # a header's value may be null
        )
