"""What must be there before the worker joins its group; what isn't is said in one line."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.codec import Encoder
from schemas.dead_letter import dead_letter_topic
from schemas.errors import UserError
from schemas.registry import Registry
from schemas.settings import KafkaSettings
from schemas.topics import CARDS_CHANGELOG, NOTIFICATIONS, SHADOW, TRANSACTIONS, require


@dataclass(frozen=True, slots=True)
class Ground:
    """What was found."""

    partitions: int
    """Of the transactions, and of the changelog of their cards."""

    notifications: Encoder
    shadow: Encoder
    """The same schema; registered under its own topic."""

    states: Encoder


def check(kafka: KafkaSettings, registry: Registry) -> Ground:
    """Return what the worker stands on.

    Raises:
        UserError: a topic or a schema is missing, or partitions don't match.
        UnavailableError: the broker or the registry is away.
    """
    found = require(kafka, TRANSACTIONS, NOTIFICATIONS, SHADOW, CARDS_CHANGELOG, dead_letter_topic(TRANSACTIONS))
    if found[TRANSACTIONS] != found[CARDS_CHANGELOG]:
        raise UserError(
            f"topic {TRANSACTIONS} has {found[TRANSACTIONS]} partitions and {CARDS_CHANGELOG} has"
            f" {found[CARDS_CHANGELOG]}, but a card's state must stand beside its transactions: delete"
            f" {CARDS_CHANGELOG} and make it again with as many"
        )
    return Ground(
        found[TRANSACTIONS],
        Encoder.registered("notification", NOTIFICATIONS, registry),
        Encoder.registered("notification", SHADOW, registry),
        Encoder.registered("card_state", CARDS_CHANGELOG, registry),
    )
