"""What there is to know of a transaction: that it happened, that it was flagged, and what it was.

Times are milliseconds since 1970, UTC, in event time; money is in minor units of the currency.
What there is of every transaction is a tuple: that is several times as fast as a frozen dataclass.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

UNNAMED: Final = "unnamed"
"""Scenario of fraud that came without one."""


class Happened(NamedTuple):
    """A transaction."""

    transaction_id: str
    event_ms: int


class Label(NamedTuple):
    """The truth about a transaction, and when the bank learns it."""

    transaction_id: str
    card_id: str
    event_ms: int
    amount_minor: int
    approved: bool
    scenario: str | None
    """What made it; None: the cardholder, it is genuine."""
    release_ms: int

    @property
    def fraud(self) -> bool:
        """Whether a fraudster made it."""
        return self.scenario is not None


class Kind(Enum):
    """Whether anybody was told of a flagged transaction."""

    ALERT = "alert"
    SHADOW = "shadow"
    """Rules that are only on trial would have flagged it."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A flagged transaction."""

    transaction_id: str
    card_id: str
    event_ms: int
    score: float
    rules: tuple[str, ...]
    """Detection rules that found something, by name."""
    kind: Kind = Kind.ALERT

    def merged(self, other: Alert) -> Alert:
        """Return what two notifications of the same transaction say together, whichever comes first."""
        rules = tuple(sorted({*self.rules, *other.rules}))
        return Alert(self.transaction_id, self.card_id, self.event_ms, max(self.score, other.score), rules, self.kind)


@dataclass(frozen=True, slots=True)
class Oracle:
    """The label of a fraudulent transaction, told at once as no bank is."""

    label: Label


Fact = Happened | Label | Alert | Oracle


def label_of(record: dict[str, Any]) -> Label:
    """Return the label in a record of label.avsc, times in ms."""
    return Label(
        transaction_id=record["transactionId"],
        card_id=record["cardId"],
        event_ms=record["eventTime"],
        amount_minor=record["amountMinor"],
        approved=record["approved"],
        scenario=(record["scenario"] or UNNAMED) if record["fraud"] else None,
        release_ms=record["releaseTime"],
    )


def alert_of(record: dict[str, Any], kind: Kind = Kind.ALERT) -> Alert:
    """Return the alert in a record of notification.avsc, times in ms."""
    detail = record["eventDetail"]
    return Alert(
        transaction_id=detail["transactionId"],
        card_id=detail["cardId"],
        event_ms=detail["eventTime"],
        score=detail["score"],
        rules=tuple(sorted({finding["rule"] for finding in detail["findings"]})),
        kind=kind,
    )
