"""The values of the generator: who pays, where, what is drawn, and what goes on the wire.

Times are milliseconds since 1970, UTC (`_ms`), as on the wire. Money is in minor units of the currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from numpy.random import Generator

T = TypeVar("T")

CURRENCY: Final = "EUR"
SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Place:
    """A town: centre in degrees, country as ISO 3166-1 alpha-2, solar time's offset from UTC in hours."""

    index: int
    name: str
    country: str
    latitude: float
    longitude: float
    utc_offset_h: int


@dataclass(frozen=True, slots=True)
class Merchant:
    """A shop in a place with its terminal, or a web shop with neither."""

    merchant_id: str
    name: str
    mcc: str
    place: Place | None = None
    terminal_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Cardholder:
    """One person with one card, and what is usual for them.

    The tuples have one value a category, in the order of `market.CATEGORIES`.
    """

    index: int
    card_id: str
    last_four: str
    user_id: str
    home: Place
    quarter: int
    """The part of town where they shop most."""
    devices: tuple[str, ...]
    purchases_per_day: float
    online_share: float
    present_odds: tuple[float, ...]
    """Cumulative odds of each category in person; the last value is 1."""
    online_odds: tuple[float, ...]
    """Cumulative odds of each category online; the last value is 1."""
    log_amount_means: tuple[float, ...]
    """Mean of ln(amount in minor units)."""
    log_amount_sds: tuple[float, ...]
    """Standard deviation of the same."""
    peak_hour: float
    """Local hour around which they shop."""
    hour_sd: float
    night_share: float
    """Share of their purchases between midnight and six."""
    trips_per_day: float
    """Odds that a day at home is the first of a trip."""
    second_home: Place | None = None
    """Where a spouse lives, with a second card of the same account."""
    sleeps: bool = False
    """Whether the card is left alone for weeks, and used again for some days."""


class Draft(NamedTuple):
    """A transaction that has no id yet."""

    event_ms: int
    holder: Cardholder
    amount_minor: int
    merchant: Merchant
    device_id: str | None
    country: str
    latitude: float | None
    longitude: float | None
    approved: bool

    @property
    def card_present(self) -> bool:
        """Whether the card was at the merchant's terminal."""
        return self.merchant.terminal_id is not None


class Transaction(NamedTuple):
    """A draft that has happened."""

    transaction_id: str
    draft: Draft

    def record(self) -> dict[str, Any]:
        """Return the fields of `transaction.avsc`; times stay in ms, which fastavro takes as they are."""
        draft = self.draft
        holder, merchant = draft.holder, draft.merchant
        return {
            "transactionId": self.transaction_id,
            "cardId": holder.card_id,
            "cardLastFour": holder.last_four,
            "userId": holder.user_id,
            "eventTime": draft.event_ms,
            "amountMinor": draft.amount_minor,
            "currency": CURRENCY,
            "merchantId": merchant.merchant_id,
            "merchantName": merchant.name,
            "merchantCategory": merchant.mcc,
            "terminalId": merchant.terminal_id,
            "channel": "CARD_PRESENT" if draft.card_present else "CARD_NOT_PRESENT",
            "deviceId": draft.device_id,
            "country": draft.country,
            "latitude": draft.latitude,
            "longitude": draft.longitude,
            "approved": draft.approved,
        }


class Label(NamedTuple):
    """The truth about a transaction, and when the bank learns it."""

    transaction: Transaction
    scenario: str | None
    """What made it; None: the cardholder."""
    release_ms: int

    def record(self) -> dict[str, Any]:
        """Return the fields of `label.avsc`; times stay in ms."""
        draft = self.transaction.draft
        return {
            "transactionId": self.transaction.transaction_id,
            "cardId": draft.holder.card_id,
            "eventTime": draft.event_ms,
            "amountMinor": draft.amount_minor,
            "currency": CURRENCY,
            "fraud": self.scenario is not None,
            "scenario": self.scenario,
            "releaseTime": self.release_ms,
            "approved": draft.approved,
        }


@dataclass(frozen=True, slots=True)
class Oracle:
    """The label of a fraudulent transaction, told at once: what no bank has."""

    label: Label


def in_person(holder: Cardholder, merchant: Merchant, event_ms: int, amount_minor: int, *, approved: bool) -> Draft:
    """Return a purchase with the card at the merchant's terminal.

    Raises:
        ValueError: the merchant is a web shop.
    """
    if merchant.place is None:
        raise ValueError(f"{merchant.merchant_id} is a web shop: nobody pays there in person")
    where = (merchant.place.country, merchant.latitude, merchant.longitude)
    return Draft(event_ms, holder, amount_minor, merchant, None, *where, approved)


def new_device(rng: Generator) -> str:
    """Return the id of a device that nobody has used before."""
    return device_id(int(rng.integers(1 << 48)))


def device_id(number: int) -> str:
    """Return the id of the device with that number, below 2 to the 48th."""
    return f"dev_{number:012x}"


def one_of(rng: Generator, values: Sequence[T]) -> T:
    """Return one of `values`, each as likely."""
    return values[int(rng.random() * len(values))]
