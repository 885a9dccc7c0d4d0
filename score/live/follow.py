"""Reads topics from where the state is to their ends, and on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from schemas.errors import UnavailableError, UserError
from schemas.kafka import Refusals, client_set_up
from schemas.settings import KafkaSettings
from score.live.state import Position

_GONE: Final = frozenset(
    {
        KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001 - its public name in this library
        KafkaError.OFFSET_OUT_OF_RANGE,
    }
)


class Follower:
    """A consumer of no group: it reads every partition, and the state says from where."""

    def __init__(
        self, kafka: KafkaSettings, partitions: Mapping[str, int], positions: Mapping[tuple[str, int], Position]
    ) -> None:
        """Read so many `partitions` of each topic, from `positions` or the beginning."""
        self._refusals = Refusals()
        own: dict[str, Any] = {
            "group.id": "cardwatch-score",  # asked for by the library; nothing is committed
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 100,
            "queued.max.messages.kbytes": 4_096,
            "log_level": 0,
            "error_cb": self._refusals,
        }
        with client_set_up():
            self._consumer = Consumer({**kafka.librdkafka(), **own})
        places = [(topic, number) for topic, count in partitions.items() for number in range(count)]
        self._left = set(places)
        starts = {place: at.next for place, at in positions.items()}
        self._consumer.assign(
            [TopicPartition(*place, starts.get(place, OFFSET_BEGINNING)) for place in places],
        )

    @property
    def caught_up(self) -> bool:
        """Whether every partition was read to an end that it had since the start."""
        return not self._left

    def read(self, most: int, timeout_s: float) -> list[Message]:
        """Return records that have come, `most` at most.

        Raises:
            UserError: a topic lost what comes next, or the brokers refuse the client.
            UnavailableError: a topic can't be read.
        """
        records = []
        for message in self._consumer.consume(most, timeout=timeout_s):
            error = message.error()
            if error is None:
                records.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name in this library
                self._left.discard((message.topic() or "", message.partition() or 0))
            elif error.code() in _GONE:
                raise UserError(
                    f"topic {message.topic()} no longer holds what comes next: it was made anew, or its records have"
                    " expired. Delete the file that SCORE_STATE names to score what is there"
                )
            else:
                raise UnavailableError(f"topic {message.topic()} can't be read: {error.str()}")
        self._refusals.check()
        return records

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()
