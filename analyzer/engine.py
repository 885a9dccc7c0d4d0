"""Faust, set up and held on a short lead: settings and reading positions.

Faust gives membership, assignment and the clients. Where it is in a partition is not left to it: see
docs/decisions/0021-positions-and-recovery-are-our-own.md.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

import aiokafka
import faust
from aiokafka.errors import IllegalStateError, KafkaError
from faust.exceptions import ProducerSendError
from faust.tables.manager import TableManager
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from faust.types import TP

from analyzer.publish import LARGEST_BATCH_BYTES, LARGEST_RECORD_BYTES
from analyzer.stage import Stage
from analyzer.transport import FETCH_MAX_WAIT_MS, MOST, QUEUED, BatchSchema, BatchTransport
from schemas.errors import UnavailableError
from schemas.settings import KafkaSettings

SESSION_TIMEOUT_S: Final = 10.0
LOST_AFTER_S: Final = 5.0
"""A broker that is away for less is no news: connections are made anew."""


class _NoTables(TableManager):
    """Faust's tables, of which there are none."""

    async def on_start(self) -> None:
        """Start as Faust does, but don't wait a second for tables to be made: nothing is subscribed to before."""
        await self._update_channels()
        await self.recovery.start()


class _App(faust.App):
    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Make none: nothing is kept in files, and a killed process could not remove them."""


def make_app(kafka: KafkaSettings, stage: Stage, send_timeout_s: float) -> faust.App:
    """Return the Faust app of a stage: it makes no topics, serves no pages and writes no files."""
    return _App(
        stage.group,
        broker=[f"kafka://{server}" for server in kafka.bootstrap_servers.split(",")],
        broker_credentials=credentials(kafka),
        # Tansu holds a join for half the session timeout; with the defaults the first record takes 30 s.
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_rebalance_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=1.0,
        broker_request_timeout=max(send_timeout_s, 2 * SESSION_TIMEOUT_S),
        broker_max_poll_records=MOST,
        stream_buffer_maxsize=QUEUED,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_linger=0.0,  # what is sent are whole batches
        producer_max_batch_size=LARGEST_BATCH_BYTES,
        producer_request_timeout=send_timeout_s,
        producer_max_request_size=LARGEST_RECORD_BYTES,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,  # records are never acknowledged to Faust; the worker drains and commits
        TableManager=_NoTables,
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


def source(app: faust.App, stage: Stage) -> Any:
    """Return the topic that a stage reads; what an agent gets of it are batches."""
    return app.topic(stage.source, schema=BatchSchema())


def changelog_client(kafka: KafkaSettings) -> aiokafka.AIOKafkaConsumer:
    """Return a consumer outside every group, to read states with."""
    login = credentials_to_aiokafka_auth(credentials(kafka))
    return aiokafka.AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
        **login,
    )


class FaustPositions:
    """Where the app's consumer reads, and what its group has committed."""

    def __init__(self, app: faust.App, topic: str) -> None:
        """Speak of the partitions of `topic`, once the app runs."""
        self._topic = topic
        self._consumer = cast("Any", app.consumer)

    async def begin(self, partitions: Iterable[int]) -> dict[int, int] | None:
        """Return the offset of the next record that the group needs of each partition, and read from there.

        None when a partition was taken away meanwhile: the next assignment brings its own beginning.
        """
        tps = {partition: self._tp(partition) for partition in partitions}
        try:
            return await self._begin(tps)
        except IllegalStateError:
            return None

    async def _begin(self, tps: Mapping[int, TP]) -> dict[int, int]:
        committed = {tp.partition: offset for tp, offset in (await self._consumer.seek_to_committed()).items()}
        earliest = {tp.partition: at for tp, at in (await self._consumer.earliest_offsets(*tps.values())).items()}
        begin = {partition: committed.get(partition) or earliest.get(partition) or 0 for partition in tps}
        for partition, offset in begin.items():
            await self._consumer.seek(tps[partition], offset)
        return begin

    async def seek(self, partition: int, offset: int) -> None:
        """Read a partition from `offset` on; one that was taken away meanwhile is its next owner's."""
        with contextlib.suppress(IllegalStateError):
            await self._consumer.seek(self._tp(partition), offset)

    async def position(self, partition: int) -> int | None:
        """Return the offset after the last record that was handed to Faust; None when the partition is gone."""
        try:
            return cast("int | None", await self._consumer.position(self._tp(partition)))
        except IllegalStateError:
            return None

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Commit the offset of the next record needed, by partition; a rebalance meanwhile voids it."""
        tps = {self._tp(partition): offset for partition, offset in offsets.items()}
        await self._consumer._commit(tps)  # noqa: SLF001 - Faust's own driver call; its public one counts acks

    def _tp(self, partition: int) -> TP:
        return TP(self._topic, partition)


class Contact:
    """Whether the app's consumer has a connection to any broker; one that is away is tried again without end."""

    def __init__(self, app: faust.App, clock: Callable[[], float]) -> None:
        """Speak of the consumer of `app`; `clock` counts seconds, never back."""
        self._consumer, self._clock = cast("Any", app.consumer), clock
        self._lost_at: float | None = None

    def problem(self) -> str | None:
        """Return for how long no broker was reached, counted from the first call that found none; or None."""
        client = self._consumer._thread._consumer  # noqa: SLF001 - this and what follows is held by the contract test
        if client is None or any(map(_connected, tuple(client._client._conns.values()))):  # noqa: SLF001 - as above
            self._lost_at = None
            return None
        now = self._clock()
        self._lost_at = self._lost_at or now
        lost_s = now - self._lost_at
        return f"no broker reached for {lost_s:.0f} s" if lost_s >= LOST_AFTER_S else None


def _connected(connection: Any) -> bool:
    reader = connection._reader  # noqa: SLF001 - looked at once: its thread may take it away meanwhile
    return reader is not None and not reader.at_eof()


def explained(error: Exception) -> Exception:
    """Return an error of the Kafka clients as what it means: the broker is away; others as they are."""
    if isinstance(error, (KafkaError, ProducerSendError)):
        return UnavailableError(f"the Kafka broker no longer answers: {error!r}")
    return error
