"""Faust, set up and held on a short lead: settings, reading positions, and a publisher.

Faust gives membership, assignment and the clients. Where it is in a partition is not left to it: see
docs/decisions/0021-positions-and-recovery-are-our-own.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any, Final, cast

import aiokafka
import faust
from aiokafka.errors import IllegalStateError, KafkaError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from faust.types import TP

from analyzer.settle import Outgoing
from analyzer.stage import Stage
from schemas.dead_letter import origin
from schemas.errors import UnavailableError, UserError
from schemas.settings import KafkaSettings

SESSION_TIMEOUT_S: Final = 10.0
FETCH_MAX_WAIT_MS: Final = 100
LARGEST_RECORD_BYTES: Final = 2 * 1024 * 1024
"""A dead letter is its record, of up to 1 MiB by the brokers' default, and headers; see also topics.toml."""


class _App(faust.App):
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
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_linger=0.005,
        producer_request_timeout=send_timeout_s,
        producer_max_request_size=LARGEST_RECORD_BYTES,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_wait_empty=False,  # records are never acknowledged to Faust; the worker drains and commits
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
    """Return the topic that a stage reads; keys and values stay bytes, Faust would read them as JSON."""
    return app.topic(stage.source, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


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


class _Forgetful(dict[Any, Any]):
    """Stands for the offsets that Faust has read: it never remembers one.

    Faust compares each record with them. After a seek it takes what was fetched before for a gap, marks the
    records between as done and drops them when they come. The worker keeps its own positions.
    """

    def __getitem__(self, key: Any) -> None:
        return None

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def update(self, *args: Any, **kwargs: Any) -> None:
        pass


class FaustPositions:
    """Where the app's consumer reads, and what its group has committed."""

    def __init__(self, app: faust.App, topic: str) -> None:
        """Take Faust's own bookkeeping of `topic` out of the way; before the app starts."""
        self._topic = topic
        self._consumer = cast("Any", app.consumer)
        self._consumer._read_offset = _Forgetful()  # noqa: SLF001 - the version of Faust is pinned for it

    async def begin(self, partitions: Iterable[int]) -> dict[int, int] | None:
        """Return the offset of the next record that the group needs of each partition, and read from there.

        None when a partition was taken away meanwhile: the next assignment brings its own beginning.
        """
        # Faust lets the broker hold a fetch for 1.5 s. Tansu looks for new records only about twice in that
        # time, so that a record waits 0.35 s in the mean; asked ten times a second it is found at once.
        self._consumer._thread._consumer._fetcher._fetch_max_wait_ms = FETCH_MAX_WAIT_MS  # noqa: SLF001 - fixed in Faust
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
            await self._seek(tps[partition], offset)
        return begin

    async def seek(self, partition: int, offset: int) -> None:
        """Read a partition from `offset` on; one that was taken away meanwhile is its next owner's."""
        with contextlib.suppress(IllegalStateError):
            await self._seek(self._tp(partition), offset)

    async def _seek(self, tp: TP, offset: int) -> None:
        # Not Faust's seek: that is made from this thread, and the client's may be in the middle of a fetch, which
        # then ends with a KeyError, and the worker with it.
        thread = self._consumer._thread  # noqa: SLF001 - as above
        await thread.call_thread(thread._ensure_consumer().seek, tp, offset)  # noqa: SLF001 - as Faust does elsewhere

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


def explained(error: Exception) -> Exception:
    """Return an error of the Kafka clients as what it means: the broker is away; others as they are."""
    if isinstance(error, (KafkaError, ProducerSendError)):
        return UnavailableError(f"the Kafka broker no longer answers: {error!r}")
    return error


def _too_large(outgoing: Outgoing, group: str) -> UserError:
    found, size = origin(outgoing.headers), len(outgoing.key or b"") + len(outgoing.value or b"")
    what = f"dead letter of {found.topic}, partition {found.partition}, offset {found.offset}," if found else "record"
    remedy = f"set its max.message.bytes to {LARGEST_RECORD_BYTES}"
    if found:
        remedy += f", or if the record is larger still, move the group {group} past it"
    return UserError(f"{outgoing.topic} doesn't take the {what} of {size} bytes and its headers: {remedy}")


def _seconds(timestamp_ms: int | None) -> float | None:
    # Faust cuts off what is less than a millisecond; the half keeps a rounding error from costing a whole one.
    return None if timestamp_ms is None else (timestamp_ms + 0.5) / 1000


class FaustPublisher:
    """Writes through the app's producer."""

    def __init__(self, app: faust.App, group: str) -> None:
        """Use the producer of `app`, once that runs; `group` is named in errors."""
        self._app, self._group = app, group

    async def send(self, outgoing: Outgoing) -> Awaitable[object]:
        """Hand a record over; what is returned resolves with the broker's acknowledgement, or raises.

        Raises:
            UserError: the record is larger than may be sent.
        """
        try:
            acknowledged = await self._send(outgoing)
        except ProducerSendError as error:
            if isinstance(error.__cause__, MessageSizeTooLargeError):
                raise _too_large(outgoing, self._group) from error
            raise
        return asyncio.ensure_future(self._taken(acknowledged, outgoing)) if outgoing.headers else acknowledged

    async def _taken(self, acknowledged: Awaitable[object], outgoing: Outgoing) -> None:
        try:
            await acknowledged
        except MessageSizeTooLargeError as error:
            raise _too_large(outgoing, self._group) from error

    async def _send(self, outgoing: Outgoing) -> Awaitable[object]:
        # Not Topic.send_soon or Table.send_changelog: these go through a buffer, and a failure there never
        # reaches the message's future.
        return await self._app.producer.send(
            outgoing.topic,
            outgoing.key,
            outgoing.value,
            outgoing.partition,
            _seconds(outgoing.timestamp_ms),
            cast("list[tuple[str, bytes]]", list(outgoing.headers)) or None,  # a header's value may be null
        )
