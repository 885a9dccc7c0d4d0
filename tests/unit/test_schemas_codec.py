"""The codec: Glue framing out, Glue and Confluent framing in, and every way a value can be broken."""

from __future__ import annotations

import json
import math
import struct
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Decoder, Encoder, Record, definition, without_logical_types
from schemas.errors import BadRecordError
from schemas.registry import FakeRegistry, UnknownSchemaError

TRANSACTION: Record = {
    "transactionId": "00000000-0000-0000-0000-000000000001",
    "cardId": "card_1",
    "cardLastFour": "0000",
    "userId": "user_1",
    "eventTime": datetime(2026, 1, 1, tzinfo=UTC),
    "amountMinor": 1999,
    "currency": "EUR",
    "merchantId": "merchant_1",
    "merchantName": "Café Zürich",
    "merchantCategory": "5812",
    "terminalId": None,
    "channel": "CARD_NOT_PRESENT",
    "deviceId": "device_1",
    "country": "CH",
    "latitude": 47.37,
    "longitude": None,
    "approved": True,
}


class ConfluentFake:
    """Knows one id."""

    def definition(self, schema_id: int) -> str:
        if schema_id != 7:
            raise UnknownSchemaError(f"schema id {schema_id} is unknown")
        return definition("transaction")


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry()


def encoder(registry: FakeRegistry) -> Encoder:
    return Encoder.registered("transaction", "transactions", registry)


def avro(schema: Any, record: Record) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), record)
    return out.getvalue()


def glue(version: UUID, body: bytes, compression: int = 0) -> bytes:
    return bytes((3, compression)) + version.bytes + body


def test_a_record_is_framed_with_version_3_no_compression_and_its_schema_version(registry: FakeRegistry) -> None:
    version = registry.version_id("transactions", definition("transaction"))
    value = encoder(registry).encode(TRANSACTION)
    assert value[:2] == b"\x03\x00"
    assert value[2:18] == version.bytes
    assert value[18:] == avro(json.loads(definition("transaction")), TRANSACTION)


def test_what_is_encoded_is_decoded_the_same(registry: FakeRegistry) -> None:
    assert Decoder(registry, reader="transaction").decode(encoder(registry).encode(TRANSACTION)) == TRANSACTION


def test_a_compressed_body_is_read(registry: FakeRegistry) -> None:
    value = encoder(registry).encode(TRANSACTION)
    squeezed = glue(UUID(bytes=value[2:18]), zlib.compress(value[18:]), compression=5)
    assert Decoder(registry).decode(squeezed) == TRANSACTION


def test_confluent_framing_is_read(registry: FakeRegistry) -> None:
    body = encoder(registry).encode(TRANSACTION)[18:]
    decoder = Decoder(registry, confluent=ConfluentFake())
    assert decoder.decode(b"\x00" + struct.pack(">I", 7) + body) == TRANSACTION


def test_confluent_framing_without_a_registry_names_the_setting(registry: FakeRegistry) -> None:
    with pytest.raises(BadRecordError, match="REGISTRY_CONFLUENT_URL"):
        Decoder(registry).decode(b"\x00\x00\x00\x00\x07body")


def test_an_unknown_confluent_id_is_a_bad_record(registry: FakeRegistry) -> None:
    with pytest.raises(BadRecordError, match="schema id 8 is unknown"):
        Decoder(registry, confluent=ConfluentFake()).decode(b"\x00\x00\x00\x00\x08body")


def test_a_schema_is_fetched_once(registry: FakeRegistry) -> None:
    value, decoder = encoder(registry).encode(TRANSACTION), Decoder(registry)
    for _ in range(3):
        decoder.decode(value)
    assert registry.reads == 1


def test_an_unknown_schema_version_is_asked_for_again(registry: FakeRegistry) -> None:
    value, decoder = encoder(registry).encode(TRANSACTION), Decoder(registry)
    known = dict(registry.definitions)
    registry.definitions.clear()
    with pytest.raises(UnknownSchemaError, match="is unknown"):
        decoder.decode(value)
    registry.definitions.update(known)
    assert decoder.decode(value) == TRANSACTION


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "empty"),
        (b"\x03", "neither in Glue nor in Confluent framing"),
        (b"\x03\x00short", "neither in Glue nor in Confluent framing"),
        (b"\x00\x01", "neither in Glue nor in Confluent framing"),
        (b'{"json": true}', "begin with 123"),
        (glue(UUID(int=1), b"", compression=9), "unknown compression 9"),
        (glue(UUID(int=1), b"not zlib", compression=5), "compressed body is broken"),
    ],
)
def test_a_value_in_no_known_framing_is_a_bad_record(registry: FakeRegistry, value: bytes, reason: str) -> None:
    with pytest.raises(BadRecordError, match=reason):
        Decoder(registry).decode(value)


def test_a_value_cut_anywhere_is_a_bad_record(registry: FakeRegistry) -> None:
    value, decoder = encoder(registry).encode(TRANSACTION), Decoder(registry, reader="transaction")
    for length in range(len(value)):
        with pytest.raises(BadRecordError):
            decoder.decode(value[:length])


def test_bytes_left_over_are_a_bad_record(registry: FakeRegistry) -> None:
    with pytest.raises(BadRecordError, match="2 bytes are left over"):
        Decoder(registry).decode(encoder(registry).encode(TRANSACTION) + b"\x00\x00")


@given(body=st.binary(max_size=300))
def test_random_bytes_never_raise_anything_but_a_bad_record(body: bytes) -> None:
    registry = FakeRegistry()
    version = registry.version_id("transactions", definition("transaction"))
    with suppress(BadRecordError):
        assert isinstance(Decoder(registry, reader="transaction").decode(glue(version, body)), dict)


def test_a_newer_schema_with_one_more_field_is_read(registry: FakeRegistry) -> None:
    newer = json.loads(definition("transaction"))
    newer["fields"].insert(0, {"name": "walletId", "type": "string"})
    version = registry.register("transactions", json.dumps(newer))
    value = glue(version, avro(newer, {**TRANSACTION, "walletId": "w"}))
    assert Decoder(registry, reader="transaction").decode(value) == TRANSACTION


def test_a_newer_schema_that_changed_a_type_is_a_bad_record(registry: FakeRegistry) -> None:
    newer = json.loads(definition("transaction"))
    amount = next(field for field in newer["fields"] if field["name"] == "amountMinor")
    amount["type"] = "string"
    version = registry.register("transactions", json.dumps(newer))
    value = glue(version, avro(newer, {**TRANSACTION, "amountMinor": "19.99"}))
    with pytest.raises(BadRecordError, match="can't be decoded"):
        Decoder(registry, reader="transaction").decode(value)


def test_a_registered_schema_that_is_no_avro_is_a_bad_record(registry: FakeRegistry) -> None:
    version = registry.register("transactions", '{"type": "nonsense"}')
    with pytest.raises(BadRecordError, match="not valid Avro"):
        Decoder(registry).decode(glue(version, b"\x00"))


def test_a_value_that_is_no_record_is_a_bad_record(registry: FakeRegistry) -> None:
    version = registry.register("transactions", '"string"')
    with pytest.raises(BadRecordError, match="is a str, not a record"):
        Decoder(registry).decode(glue(version, b"\x02a"))


def test_a_time_that_no_calendar_has_is_a_bad_record(registry: FakeRegistry) -> None:
    raw = without_logical_types(json.loads(definition("transaction")))
    version = registry.version_id("transactions", definition("transaction"))
    value = glue(version, avro(raw, {**TRANSACTION, "eventTime": 2**62}))
    with pytest.raises(BadRecordError, match="can't be decoded"):
        Decoder(registry, reader="transaction").decode(value)


def test_without_logical_types_a_time_stays_the_number_on_the_wire(registry: FakeRegistry) -> None:
    value = encoder(registry).encode(TRANSACTION)
    assert Decoder(registry, logical_types=False).decode(value)["eventTime"] == 1_767_225_600_000


@given(
    amount=st.integers(-(2**63), 2**63 - 1),
    latitude=st.none() | st.floats(),
    name=st.text(),
    millis=st.integers(0, 4_102_444_800_000),
)
def test_any_record_survives_the_way_there_and_back(
    amount: int, latitude: float | None, name: str, millis: int
) -> None:
    registry = FakeRegistry()
    time = datetime.fromtimestamp(millis // 1000, UTC).replace(microsecond=millis % 1000 * 1000)
    record = {**TRANSACTION, "amountMinor": amount, "latitude": latitude, "merchantName": name, "eventTime": time}
    decoded = Decoder(registry, reader="transaction").decode(encoder(registry).encode(record))
    if latitude is not None and math.isnan(latitude):
        assert math.isnan(decoded.pop("latitude"))
        del record["latitude"]
    assert decoded == record
