"""From Kafka's records to facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from schemas import topics
from schemas.codec import Decoder
from schemas.errors import BadRecordError
from schemas.registry import Definitions
from score.core.facts import Alert, Fact, Happened, Kind, Label, Oracle, alert_of, label_of

Record = dict[str, Any]


def _happened(record: Record) -> Happened:
    return Happened(record["transactionId"], record["eventTime"])


def _label(record: Record) -> Label:
    return label_of(record)


def _oracle(record: Record) -> Oracle:
    return Oracle(label_of(record))


def _alert(record: Record) -> Alert:
    return alert_of(record)


def _shadow(record: Record) -> Alert:
    return alert_of(record, Kind.SHADOW)


_READ: Final[dict[str, tuple[str, Callable[[Record], Fact]]]] = {
    topics.TRANSACTIONS: ("transaction", _happened),
    topics.LABELS: ("label", _label),
    topics.ORACLE: ("label", _oracle),
    topics.NOTIFICATIONS: ("notification", _alert),
    topics.SHADOW: ("notification", _shadow),
}
TOPICS: Final = tuple(_READ)
"""What the score reads."""


class Reader:
    """Makes facts of records."""

    def __init__(self, registry: Definitions) -> None:
        """Look schemas up in `registry`."""
        self._decoders = {schema: Decoder(registry, reader=schema, logical_types=False) for schema, _ in _READ.values()}

    def read(self, topic: str, value: bytes | None) -> Fact:
        """Return the fact in a record of `topic`.

        Raises:
            BadRecordError: there is none in it.
            UnavailableError: the registry can't be reached.
        """
        schema, made = _READ[topic]
        if value is None:
            raise BadRecordError("the value is null (a tombstone)")
        return made(self._decoders[schema].decode(value))
