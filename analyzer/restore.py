"""Card states from the changelog, read to the end that the broker's fetch answers report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import aiokafka
from aiokafka.errors import KafkaError

from analyzer.states import CardStates
from schemas.errors import UnavailableError
from schemas.topics import CARDS_CHANGELOG

_FETCH_MS: Final = 100


class Restorer:
    """Keeps the states of the assigned partitions up with the changelog."""

    def __init__(self, client: Callable[[], aiokafka.AIOKafkaConsumer], states: CardStates) -> None:
        """Read with a consumer that `client` makes, into `states`."""
        self._client = client
        self._states = states
        self._positions: dict[int, int] = {}

    async def restore(self, partitions: Iterable[int]) -> None:
        """Forget other partitions and read these: what is new since the last time, or all.

        Raises:
            UnavailableError: the broker fails meanwhile.
            BadRecordError: what is in the changelog is not a card state.
        """
        wanted = set(partitions)
        for gone in self._positions.keys() - wanted:
            del self._positions[gone]
        self._states.keep(wanted)
        if not wanted:
            return
        client = self._client()
        try:
            await client.start()
            await self._read(client, wanted)
        except KafkaError as error:
            raise UnavailableError(f"the card states can't be read from {CARDS_CHANGELOG}: {error}") from error
        finally:
            await client.stop()

    async def _read(self, client: aiokafka.AIOKafkaConsumer, wanted: set[int]) -> None:
        reading = {aiokafka.TopicPartition(CARDS_CHANGELOG, partition) for partition in wanted}
        client.assign(reading)
        for tp in reading:
            if tp.partition in self._positions:
                client.seek(tp, self._positions[tp.partition])
        while reading:
            for tp, messages in (await client.getmany(*reading, timeout_ms=_FETCH_MS)).items():
                for message in messages:
                    if message.key is not None and message.value is not None:
                        self._states.restored(tp.partition, message.key.decode(), message.value)
            for tp in list(reading):
                position, end = await client.position(tp), client.highwater(tp)
                if end is not None and position >= end:
                    self._positions[tp.partition] = position
                    reading.discard(tp)
