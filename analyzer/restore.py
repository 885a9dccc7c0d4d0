"""States of cards or terminals from their changelog, read to the end that the broker's fetch answers report.

And whether they are of the records that the broker has: those of a topic that was made anew would pass its records
over as read already.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Final

import aiokafka
from aiokafka.errors import KafkaError

from analyzer.ports import States, Written
from analyzer.stage import Stage
from schemas.errors import BadRecordError, UnavailableError, UserError

_FETCH_MS: Final = 100
PATIENCE_S: Final = 5.0
"""For how long an end that lies too low is asked for again: a new leader may report an old one at first."""


class Restorer:
    """Keeps the states of the assigned partitions up with the changelog."""

    def __init__(
        self,
        client: Callable[[], aiokafka.AIOKafkaConsumer],
        stage: Stage,
        states: States,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Read the states of `stage` with a consumer that `client` makes, into `states`."""
        self._client = client
        self._stage = stage
        self._states = states
        self._patience_s = patience_s
        self._positions: dict[int, int] = {}

    async def restore(self, partitions: Iterable[int]) -> None:
        """Forget other partitions and read these: what is new since the last time, or all.

        Raises:
            UnavailableError: the broker fails meanwhile.
            UserError: what is in the changelog is not a state.
        """
        wanted = set(partitions)
        for gone in self._positions.keys() - wanted:
            del self._positions[gone]
        self._states.keep(wanted)
        if not wanted:
            return
        async with self._reading(self._stage.changelog) as client:
            await self._read(client, wanted)
        # Or the garbage collector would look at all that is here once in a while, in one go.
        gc.collect()
        gc.freeze()

    def read_anew(self, partitions: Iterable[int]) -> None:
        """Drop the states of partitions: the next time, all of theirs is read."""
        for partition in partitions:
            self._positions.pop(partition, None)
            self._states.drop(partition)

    def wrote(self, written: Sequence[Written]) -> None:
        """Take note of states that this worker has written: they need not be read the next time.

        Only where nobody else has written before them since: a worker that was thought dead may have, and what it wrote
        must be read.
        """
        for one in written:
            if self._positions.get(one.partition) == one.offset:
                self._positions[one.partition] = one.offset + one.records

    async def check(self, positions: Mapping[int, int]) -> None:
        """Hold the offsets that come next, by partition, and those in the states against the source.

        Raises:
            UserError: the topic ends before them, so it is not the one that they are of.
            UnavailableError: the broker fails meanwhile.
        """
        applied = {partition: self._states.applied_offset(partition) for partition in positions}
        needed = {partition: max(offset, applied[partition] + 1) for partition, offset in positions.items()}
        ends = await self._ends({partition: offset for partition, offset in needed.items() if offset > 0})
        for partition, end in ends.items():
            if end < needed[partition]:
                stage = self._stage
                raise UserError(
                    f"{stage.source}, partition {partition} ends at offset {end}, but the group {stage.group} is at"
                    f" {positions[partition]} and {stage.subject} states reach to {applied[partition]}: was the topic"
                    f" made anew? Restore it, or delete {stage.changelog} and reset the group"
                )

    async def _ends(self, needed: dict[int, int]) -> dict[int, int]:
        """Return where partitions end: as far as needed, or where they still ended after some patience."""
        if not needed:
            return {}
        tps = {aiokafka.TopicPartition(self._stage.source, partition): offset for partition, offset in needed.items()}
        deadline = asyncio.get_running_loop().time() + self._patience_s
        async with self._reading(self._stage.source) as client:
            client.assign(list(tps))
            for tp, offset in tps.items():
                client.seek(tp, offset)  # beyond the end it begins anew at the start
            while True:
                await client.getmany(timeout_ms=_FETCH_MS)
                ends = {tp: end for tp in tps if (end := client.highwater(tp)) is not None}
                overdue = asyncio.get_running_loop().time() >= deadline
                if len(ends) == len(tps) and (overdue or all(ends[tp] >= tps[tp] for tp in tps)):
                    return {tp.partition: end for tp, end in ends.items()}

    @contextlib.asynccontextmanager
    async def _reading(self, topic: str) -> AsyncIterator[aiokafka.AIOKafkaConsumer]:
        client = self._client()
        try:
            await client.start()
            yield client
        except KafkaError as error:
            raise UnavailableError(f"{topic} can't be read: {error}") from error
        finally:
            await client.stop()

    async def _read(self, client: aiokafka.AIOKafkaConsumer, wanted: set[int]) -> None:
        reading = {aiokafka.TopicPartition(self._stage.changelog, partition) for partition in wanted}
        client.assign(reading)
        for tp in reading:
            if tp.partition in self._positions:
                client.seek(tp, self._positions[tp.partition])
        while reading:
            for messages in (await client.getmany(*reading, timeout_ms=_FETCH_MS)).values():
                for message in messages:
                    self._take(message)
            for tp in list(reading):
                position, end = await client.position(tp), client.highwater(tp)
                if end is not None and position >= end:
                    self._positions[tp.partition] = position
                    reading.discard(tp)

    def _take(self, message: aiokafka.ConsumerRecord[bytes, bytes]) -> None:
        if message.key is None or message.value is None:
            return
        try:
            self._states.restored(message.partition, message.key, message.value)
        except (BadRecordError, UnicodeDecodeError) as error:
            raise UserError(
                f"{message.topic}, partition {message.partition}, offset {message.offset} is not a"
                f" {self._stage.subject} state that can be read: {error}. Register the schemas in the registry it was"
                " written with (`python -m schemas register`), or delete that topic and reset the group"
                f" {self._stage.group}"
            ) from error
