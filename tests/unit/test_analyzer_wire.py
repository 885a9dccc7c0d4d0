from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

import analyzer
from analyzer.core.detect import Judged
from analyzer.core.model import Finding, Place, Verdict
from analyzer.core.sighting import sighting
from analyzer.core.window import CardWindow, Country, Device, Flag, Habit, Silence
from analyzer.notification_codec import moment, notification_body
from analyzer.wire import (
    NOTIFICATION_IDS,
    StateCodec,
    TransactionReader,
    checked,
    notification,
    notification_id,
    state_record,
    window_of,
)
from schemas import compatibility
from schemas.codec import Decoder, Encoder, definition
from schemas.errors import BadRecordError
from schemas.registry import FakeRegistry, UnknownSchemaError
from tests.analyzer_input import NOON_MS, judge, record

NAN = float("nan")


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry()


@pytest.fixture
def reader(registry: FakeRegistry) -> TransactionReader:
    return TransactionReader(Decoder(registry, reader="transaction", logical_types=False))


def encoded(registry: FakeRegistry, **changes: Any) -> bytes:
    return Encoder.registered("transaction", "transactions", registry).encode(record(**changes))


def test_a_record_becomes_a_transaction(registry: FakeRegistry, reader: TransactionReader) -> None:
    read = reader.read(b"card-1", encoded(registry))
    assert (read.card_id, read.event_time_ms, read.amount_minor) == ("card-1", NOON_MS, 1_250)
    assert read.place == Place(52.52, 13.405)
    assert read.card_present


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"amountMinor": -1}, "amountMinor -1 is negative"),
    ({"amountMinor": 10**12 + 1}, "amountMinor 1000000000001 is above 1000000000000"),
    ({"eventTime": -1}, "eventTime -1 ms is not between the years 2000 and 2100"),
    ({"eventTime": 946_684_799_999}, "not between the years 2000 and 2100"),
    ({"eventTime": 4_102_444_800_000}, "not between the years 2000 and 2100"),
    ({"eventTime": 2**62}, "eventTime 4611686018427387904 ms is not between the years"),
    ({"latitude": NAN}, "latitude nan is not a number from -90 to 90"),
    ({"longitude": NAN}, "longitude nan is not a number from -180 to 180"),
    ({"latitude": float("inf")}, "latitude inf is not a number"),
    ({"latitude": 90.01}, "latitude 90.01 is not a number from -90 to 90"),
    ({"longitude": -180.5}, "longitude -180.5 is not a number from -180 to 180"),
    ({"latitude": None}, "one of latitude and longitude is null"),
    ({"currency": "euro"}, "currency 'euro' is not of the form [A-Z]{3}"),
    ({"country": "DEU"}, "country 'DEU' is not of the form [A-Z]{2}"),
    ({"merchantCategory": "54"}, "merchantCategory '54' is not of the form [0-9]{4}"),
    ({"merchantCategory": "५४११"}, "is not of the form [0-9]{4}"),
    ({"cardLastFour": "42424242"}, "cardLastFour '42424242' is not of the form"),
    ({"transactionId": ""}, "transactionId has 0 characters, not 1 to 200"),
    ({"cardId": ""}, "cardId has 0 characters"),
    ({"userId": ""}, "userId has 0 characters"),
    ({"merchantId": "x" * 201}, "merchantId has 201 characters"),
    ({"deviceId": ""}, "deviceId has 0 characters, not 1 to 200; use null for none"),
]


@pytest.mark.parametrize(("changes", "reason"), BAD_FIELDS)
def test_a_field_that_no_transaction_can_have_is_named(
    registry: FakeRegistry, reader: TransactionReader, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadRecordError) as raised:
        reader.read(b"card-1", encoded(registry, **changes))
    assert reason in raised.value.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"amountMinor": 0},
        {"eventTime": 946_684_800_000},
        {"latitude": -90.0, "longitude": 180.0},
        {"latitude": None, "longitude": None},
    ],
)
def test_what_is_unusual_but_possible_is_read(
    registry: FakeRegistry, reader: TransactionReader, changes: dict[str, Any]
) -> None:
    assert reader.read(b"card-1", encoded(registry, **changes)).transaction_id


def test_a_null_key_is_bad(registry: FakeRegistry, reader: TransactionReader) -> None:
    with pytest.raises(BadRecordError, match="the key is null") as raised:
        reader.read(None, encoded(registry))
    assert raised.value.stage == "KEY_CONVERTER"


@pytest.mark.parametrize("key", [b"", b"card-2", b"\xff"])
def test_a_key_that_is_not_the_card_id_is_bad(registry: FakeRegistry, reader: TransactionReader, key: bytes) -> None:
    with pytest.raises(BadRecordError, match="the key is not the record's cardId"):
        reader.read(key, encoded(registry))


def test_a_tombstone_is_bad(reader: TransactionReader) -> None:
    with pytest.raises(BadRecordError, match="tombstone"):
        reader.read(b"card-1", None)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda _: b"", "the value is empty"),
        (lambda _: b'{"not": "avro"}', "neither in Glue nor in Confluent framing"),
        (lambda value: value[:-5], "can't be decoded|ends early"),
        (lambda value: value + b"\x00", "1 bytes are left over"),
        (lambda value: b"\x00\x00\x00\x00\x09" + value[18:], "Confluent schema id 9, and no registry to ask"),
    ],
)
def test_bytes_that_are_no_record_are_bad(
    registry: FakeRegistry, reader: TransactionReader, damage: Any, reason: str
) -> None:
    with pytest.raises(BadRecordError, match=reason):
        reader.read(b"card-1", damage(encoded(registry)))


def test_an_unknown_schema_is_bad(registry: FakeRegistry, reader: TransactionReader) -> None:
    value = encoded(registry)
    with pytest.raises(UnknownSchemaError, match="00000000-0000-0000-0000-000000000009"):
        reader.read(b"card-1", value[:2] + UUID(int=9).bytes + value[18:])


def newer_schema(change: Any) -> str:
    schema = json.loads(definition("transaction"))
    change(schema["fields"])
    return json.dumps(schema)


def test_a_newer_schema_with_one_more_field_is_read(
    registry: FakeRegistry, reader: TransactionReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = newer_schema(lambda fields: fields.insert(0, {"name": "wallet", "type": "string"}))
    monkeypatch.setattr("schemas.codec.definition", lambda _: newer)
    value = Encoder.registered("transaction", "transactions", registry).encode(record(wallet="a phone"))
    assert reader.read(b"card-1", value) == checked(record())


def test_a_newer_schema_that_lacks_a_needed_field_is_bad(
    registry: FakeRegistry, reader: TransactionReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = newer_schema(lambda fields: fields.pop(5))
    monkeypatch.setattr("schemas.codec.definition", lambda _: newer)
    value = Encoder.registered("transaction", "transactions", registry).encode(record())
    with pytest.raises(BadRecordError, match="amountMinor"):
        reader.read(b"card-1", value)


def test_a_card_state_comes_back_from_its_bytes(registry: FakeRegistry) -> None:
    window, _ = judge().judge(CardWindow(), checked(record(deviceId="phone")), 41)
    codec = StateCodec(
        Encoder.registered("card_state", "analyzer-cards-changelog", registry),
        Decoder(registry, reader="card_state", logical_types=False),
    )
    assert codec.decode(codec.encode(window)) == window
    assert codec.applied_offset(codec.encode(window)) == 41


def test_a_state_of_the_first_release_is_read_and_what_it_knew_has_long_been_known(
    registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = compatibility.released("card_state")[0]
    window, _ = judge().judge(CardWindow(), checked(record(deviceId="phone")), 41)
    with monkeypatch.context() as patch:
        patch.setattr("schemas.codec.definition", lambda _: first)
        old = Encoder.registered("card_state", "analyzer-cards-changelog", registry).encode(state_record(window))
    read = window_of(Decoder(registry, reader="card_state", logical_types=False).decode(old))
    assert read.recent == window.recent
    assert read.countries == (Country("DE", 0),)
    assert read.devices == (Device("phone", 0, Habit()),)
    assert (read.silence, read.flags) == (None, ())


def test_all_that_a_card_remembers_comes_back_from_its_bytes(registry: FakeRegistry) -> None:
    window, _ = judge().judge(CardWindow(), checked(record(deviceId="phone")), 41)
    full = window._replace(silence=Silence(1, 2), flags=(Flag("t-1", 3, None, "DE"), Flag("t-2", 4, "phone", "BR")))
    codec = StateCodec(
        Encoder.registered("card_state", "analyzer-cards-changelog", registry),
        Decoder(registry, reader="card_state", logical_types=False),
    )
    assert codec.decode(codec.encode(full)) == full


def test_a_notification_holds_what_its_schema_promises(registry: FakeRegistry) -> None:
    verdict = Verdict(0.9, flagged=True, findings=(Finding("velocity", "too fast", "6 in 58 s", 6, 5, 0.9),))
    told = notification(checked(record()), verdict, datetime(2026, 1, 2, tzinfo=UTC), "1.2.3")
    value = Encoder.registered("notification", "notifications", registry).encode(told)
    read = Decoder(registry).decode(value)
    assert (read["source"], read["eventType"]) == ("transactionAnalyzer", "suspiciousActivity")
    detail = read["eventDetail"]
    assert (detail["userId"], detail["total"], detail["totalMinor"]) == ("user-1", 12.5, 1_250)
    assert detail["notificationId"] == notification_id(record()["transactionId"])
    assert detail["eventTime"] == datetime.fromtimestamp(NOON_MS / 1000, UTC)
    assert detail["findings"] == [
        {
            "rule": "velocity",
            "reason": "too fast",
            "evidence": "6 in 58 s",
            "observed": 6.0,
            "threshold": 5.0,
            "score": 0.9,
        }
    ]


NUMBERS = st.floats(0, 1e9) | st.integers(0, 500)
FINDINGS = st.builds(
    Finding, st.sampled_from(["velocity", "bust_out"]), st.text(), st.text(), NUMBERS, NUMBERS, NUMBERS
)
DETECTED = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - made aware


@given(
    st.fixed_dictionaries(
        {
            "transactionId": st.text(min_size=1, max_size=200),
            "merchantName": st.text(),
            "eventTime": st.integers(946_684_800_000, 4_102_444_799_999),
            "amountMinor": st.integers(0, 10**12),
            "currency": st.sampled_from(["EUR", "JPY", "KWD"]),
        }
    ),
    st.builds(Verdict, NUMBERS, st.just(value=True), st.lists(FINDINGS, max_size=70).map(tuple)),
    DETECTED,
)
def test_a_notification_put_together_by_hand_is_what_fastavro_writes(
    changes: dict[str, Any], verdict: Verdict, detected: datetime
) -> None:
    encoder = Encoder.registered("notification", "notifications", FakeRegistry())
    one = checked(record(**changes))
    seen = sighting(one, 2.5, verdict)
    for told in (one, seen):
        wanted = encoder.encode(notification(told, verdict, detected, "1.2.3"))
        assert encoder.header + notification_body(told, verdict, moment(detected), "1.2.3") == wanted


@given(st.text())
def test_a_notification_id_is_a_uuid_and_a_function_of_the_transaction(transaction_id: str) -> None:
    assert notification_id(transaction_id) == str(uuid5(NOTIFICATION_IDS, transaction_id))
    assert notification_id("t-1") == "03f896f0-6691-59d1-ad56-ebc50f5b6d48"


def test_an_ordinary_transaction_is_judged_without_findings() -> None:
    _, outcome = judge().judge(CardWindow(), checked(record()), 0)
    assert outcome == Judged(Verdict(0.0, flagged=False, findings=()))


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((Path(analyzer.__file__).parents[1] / "pyproject.toml").read_text())["project"]
    assert analyzer.__version__ == project["version"]
