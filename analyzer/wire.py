"""Between bytes and the core's values: transactions in, notifications out, card states both ways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha1
from typing import Any, Final
from uuid import UUID

from analyzer.core import money
from analyzer.core.model import Place, RecentTransaction, Transaction, Verdict
from analyzer.core.sighting import Sighting
from analyzer.core.window import CardWindow, Country, Device, Flag, Habit, Silence
from analyzer.window_codec import WindowCodec
from schemas.codec import Decoder, Record
from schemas.errors import BadRecordError

NOTIFICATION_IDS: Final = UUID("6c1f2f0e-5b0a-5d0e-9b43-0c0d9d6f7a11")
"""Namespace of notification ids; changing it would make every replay a new notification."""
_NAMESPACE: Final = NOTIFICATION_IDS.bytes

EARLIEST_MS: Final = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1000)
LATEST_MS: Final = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
LARGEST_AMOUNT_MINOR: Final = 10**12
LONGEST_TEXT: Final = 200

_SHAPES: Final = {
    "cardLastFour": re.compile(r"[0-9]{4}"),
    "currency": re.compile(r"[A-Z]{3}"),
    "country": re.compile(r"[A-Z]{2}"),
    "merchantCategory": re.compile(r"[0-9]{4}"),
}
_IDS: Final = ("transactionId", "cardId", "userId", "merchantId")


@dataclass(frozen=True, slots=True)
class TransactionReader:
    """Makes checked transactions of Kafka records."""

    decoder: Decoder
    """Resolves to the reader schema `transaction`, logical types off."""

    def read(self, key: bytes | None, value: bytes | None) -> Transaction:
        """Return the transaction in a record.

        Raises:
            BadRecordError: the record can't be a transaction; the message says why.
            UnavailableError: its schema can't be looked up now.
        """
        if key is None:
            raise BadRecordError("the key is null; it must be the card id", stage="KEY_CONVERTER")
        if value is None:
            raise BadRecordError("the value is null (a tombstone); transactions are never deleted")
        transaction = checked(self.decoder.decode(value))
        if key != transaction.card_id.encode():
            raise BadRecordError("the key is not the record's cardId", stage="KEY_CONVERTER")
        return transaction


def checked(record: Record) -> Transaction:
    """Return the transaction that `record` (of transaction.avsc, times in milliseconds) describes.

    Raises:
        BadRecordError: a field holds what no transaction can.
    """
    for name in _IDS:
        if not 0 < len(record[name]) <= LONGEST_TEXT:
            raise BadRecordError(f"{name} has {len(record[name])} characters, not 1 to {LONGEST_TEXT}")
    for name in _SHAPES:
        if not _has_its_shape(name, record[name]):
            raise BadRecordError(f"{name} {record[name][:20]!r} is not of the form {_SHAPES[name].pattern}")
    return Transaction(
        transaction_id=record["transactionId"],
        card_id=record["cardId"],
        card_last_four=record["cardLastFour"],
        user_id=record["userId"],
        event_time_ms=_event_time(record["eventTime"]),
        amount_minor=_amount(record["amountMinor"]),
        currency=record["currency"],
        merchant_id=record["merchantId"],
        merchant_name=record["merchantName"],
        merchant_category=record["merchantCategory"],
        terminal_id=_optional(record, "terminalId"),
        device_id=_optional(record, "deviceId"),
        country=record["country"],
        place=_place(record["latitude"], record["longitude"]),
        card_present=record["channel"] == "CARD_PRESENT",
        approved=record["approved"],
    )


@lru_cache(maxsize=16_384)  # the same few come again and again: ten thousand last four digits are the most
def _has_its_shape(name: str, value: str) -> bool:
    return _SHAPES[name].fullmatch(value) is not None


def _event_time(milliseconds: int) -> int:
    if not EARLIEST_MS <= milliseconds < LATEST_MS:
        raise BadRecordError(f"eventTime {milliseconds} ms is not between the years 2000 and 2100")
    return milliseconds


def _amount(minor: int) -> int:
    if minor < 0:
        raise BadRecordError(f"amountMinor {minor} is negative")
    if minor > LARGEST_AMOUNT_MINOR:
        raise BadRecordError(f"amountMinor {minor} is above {LARGEST_AMOUNT_MINOR}")
    return minor


def _optional(record: Record, name: str) -> str | None:
    value: str | None = record[name]
    if value is not None and not 0 < len(value) <= LONGEST_TEXT:
        raise BadRecordError(f"{name} has {len(value)} characters, not 1 to {LONGEST_TEXT}; use null for none")
    return value


def _place(latitude: float | None, longitude: float | None) -> Place | None:
    if latitude is None and longitude is None:
        return None
    if latitude is None or longitude is None:
        raise BadRecordError("one of latitude and longitude is null and the other is not")
    if not -90 <= latitude <= 90:  # noqa: PLR2004 - which not-a-number isn't either
        raise BadRecordError(f"latitude {latitude} is not a number from -90 to 90")
    if not -180 <= longitude <= 180:  # noqa: PLR2004 - as above
        raise BadRecordError(f"longitude {longitude} is not a number from -180 to 180")
    return Place(latitude, longitude)


def notification_id(transaction_id: str) -> str:
    """Return the id of the notification about a transaction: the same in every replay.

    It is `uuid5` of the standard library, which takes twice as long.
    """
    digits = sha1(_NAMESPACE + transaction_id.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def notification(transaction: Transaction | Sighting, verdict: Verdict, detected: datetime, version: str) -> Record:
    """Return the record (of notification.avsc) that tells of a flagged transaction.

    What a notification says is defined here; `notification_codec` writes the same as bytes, and tests compare both.

    Args:
        transaction: what was flagged.
        verdict: why.
        detected: when it was judged, aware, wall clock.
        version: the analyzer's.
    """
    return {
        "source": "transactionAnalyzer",
        "eventType": "suspiciousActivity",
        "eventDetail": {
            "userId": transaction.user_id,
            "total": money.major(transaction.amount_minor, transaction.currency),
            "notificationId": notification_id(transaction.transaction_id),
            "transactionId": transaction.transaction_id,
            "cardId": transaction.card_id,
            "cardLastFour": transaction.card_last_four,
            "totalMinor": transaction.amount_minor,
            "currency": transaction.currency,
            "merchantName": transaction.merchant_name,
            "country": transaction.country,
            "eventTime": transaction.event_time_ms,
            "detectionTime": detected,
            "score": verdict.score,
            "findings": [
                {
                    "rule": finding.rule,
                    "reason": finding.reason,
                    "evidence": finding.evidence,
                    "observed": float(finding.observed),
                    "threshold": float(finding.threshold),
                    "score": finding.score,
                }
                for finding in verdict.findings
            ],
            "analyzerVersion": version,
        },
    }


class StateCodec(WindowCodec[CardWindow]):
    """Card windows as records of card_state.avsc and back."""

    new = CardWindow()

    def record(self, window: CardWindow) -> Record:
        """Return a window as a record."""
        return state_record(window)

    def window(self, record: Record) -> CardWindow:
        """Return the window that a record describes."""
        return window_of(record)


def state_record(window: CardWindow) -> Record:
    """Return a window as a record of card_state.avsc."""
    return {
        "appliedOffset": window.applied_offset,
        "judged": window.judged,
        "flagged": window.flagged,
        "late": window.late,
        "duplicate": window.duplicate,
        "sighted": window.sighted,
        "amountCount": window.habit.count,
        "amountMean": window.habit.mean,
        "amountM2": window.habit.m2,
        "countries": [one.name for one in window.countries],
        "devices": [one.name for one in window.devices],
        "recent": [recent_record(one) for one in window.recent],
        "countriesSince": [one.since_ms for one in window.countries],
        "devicesSince": [one.since_ms for one in window.devices],
        "devicesAmounts": [
            {"count": one.habit.count, "mean": one.habit.mean, "m2": one.habit.m2} for one in window.devices
        ],
        "silence": {"from": window.silence.from_ms, "until": window.silence.until_ms} if window.silence else None,
        "flags": [_flag_record(one) for one in window.flags],
    }


def _flag_record(one: Flag) -> Record:
    return {
        "transactionId": one.transaction_id,
        "eventTime": one.event_time_ms,
        "deviceId": one.device_id,
        "country": one.country,
    }


def recent_record(one: RecentTransaction) -> Record:
    """Return a remembered transaction as an item of `recent` in card_state.avsc."""
    return {
        "transactionId": one.transaction_id,
        "eventTime": one.event_time_ms,
        "amountMinor": one.amount_minor,
        "merchantId": one.merchant_id,
        "merchantCategory": one.merchant_category,
        "country": one.country,
        "latitude": one.place.latitude if one.place else None,
        "longitude": one.place.longitude if one.place else None,
        "cardPresent": one.card_present,
        "approved": one.approved,
    }


def window_of(record: Record) -> CardWindow:
    """Return the window that a record of card_state.avsc describes."""
    return CardWindow(
        applied_offset=record["appliedOffset"],
        judged=record["judged"],
        flagged=record["flagged"],
        late=record["late"],
        duplicate=record["duplicate"],
        sighted=record["sighted"],
        habit=Habit(record["amountCount"], record["amountMean"], record["amountM2"]),
        countries=tuple(map(Country, record["countries"], _all(record["countriesSince"], record["countries"], 0))),
        devices=_devices(record),
        recent=tuple(recent_of(one) for one in record["recent"]),
        silence=Silence(record["silence"]["from"], record["silence"]["until"]) if record["silence"] else None,
        flags=tuple(
            Flag(one["transactionId"], one["eventTime"], one["deviceId"], one["country"]) for one in record["flags"]
        ),
    )


def _devices(record: Record) -> tuple[Device, ...]:
    names = record["devices"]
    amounts = _all(record["devicesAmounts"], names, {"count": 0, "mean": 0.0, "m2": 0.0})
    return tuple(
        Device(name, since_ms, Habit(habit["count"], habit["mean"], habit["m2"]))
        for name, since_ms, habit in zip(names, _all(record["devicesSince"], names, 0), amounts, strict=True)
    )


def _all(values: list[Any], names: list[str], unknown: Any) -> list[Any]:
    """Return a value for each name: older states have none."""
    if len(values) > len(names):
        raise BadRecordError(f"a state has {len(values)} values for {len(names)} names")
    return [*values, *[unknown] * (len(names) - len(values))]


def recent_of(record: Record) -> RecentTransaction:
    """Return the remembered transaction that an item of `recent` in card_state.avsc describes."""
    latitude, longitude = record["latitude"], record["longitude"]
    return RecentTransaction(
        transaction_id=record["transactionId"],
        event_time_ms=record["eventTime"],
        amount_minor=record["amountMinor"],
        merchant_id=record["merchantId"],
        merchant_category=record["merchantCategory"],
        country=record["country"],
        place=Place(latitude, longitude) if latitude is not None and longitude is not None else None,
        card_present=record["cardPresent"],
        approved=record["approved"],
    )
