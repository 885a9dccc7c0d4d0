from __future__ import annotations

import asyncio
import itertools
import json
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from uuid import UUID, uuid5

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.batch.columns import Columns, country_code, country_name
from analyzer.batch.decode import ColumnReader
from analyzer.batch.plan import plan
from analyzer.core.model import Transaction
from analyzer.schema_cache import SchemaCache, SchemaNeededError
from analyzer.wire import TransactionReader
from producer.presets import make_plan
from producer.timeline import transactions
from producer.wire import Wire
from schemas import compatibility
from schemas.codec import Decoder, definition, without_logical_types
from schemas.errors import BadRecordError
from schemas.registry import FakeRegistry, UnknownSchemaError
from tests.analyzer_input import NOON_MS, record
from tests.batch_input import body, columns_of, recent_body, sighting_body

RELEASED: Final = [*compatibility.released("transaction"), definition("transaction")]
OPTIONAL: Final = (("terminalId",), ("deviceId",), ("latitude", "longitude"))
DAY_MS: Final = 86_400_000
Framed = tuple[bytes | None, bytes | None]
"""Key and value."""


@dataclass
class Registry:
    """Schemas by id, for the scalar reader and for the batch's."""

    schemas: dict[UUID | int, str] = field(default_factory=dict)

    def known(self, version: UUID | int) -> str | None:
        return self.schemas.get(version)

    def definition(self, version: Any) -> str:
        try:
            return self.schemas[version]
        except KeyError:
            raise UnknownSchemaError(f"schema {version} is unknown") from None

    def glue(self, text: str) -> bytes:
        """Return the head of records of a schema in Glue framing."""
        version = uuid5(UUID(int=0), text)
        self.schemas[version] = text
        return bytes((3, 0)) + version.bytes

    def confluent(self, text: str) -> bytes:
        """Return the same in Confluent framing."""
        number = zlib.crc32(text.encode())
        self.schemas[number] = text
        return b"\0" + number.to_bytes(4, "big")


def both(registry: Registry) -> tuple[ColumnReader, TransactionReader]:
    scalar = Decoder(registry, reader="transaction", confluent=registry, logical_types=False)
    return ColumnReader(registry, registry), TransactionReader(scalar)


@lru_cache
def parsed(text: str) -> Any:
    return fastavro.parse_schema(without_logical_types(json.loads(text)))


def read(batch: ColumnReader, records: Sequence[Framed]) -> Columns:
    return batch.read([key for key, _ in records], [value for _, value in records], range(9, 9 + len(records)))


def scalar_or_none(scalar: TransactionReader, key: bytes | None, value: bytes | None) -> Transaction | None:
    try:
        return scalar.read(key, value)
    except BadRecordError:
        return None


def assert_same(columns: Columns, at: int, one: Transaction) -> None:
    """Hold everything that the columns say of a record against what the scalar reader says."""
    plain = columns_of([one])
    lists = ("card_ids", "transaction_ids", "device_ids", "recent")
    assert {name: getattr(columns, name)[at] for name in lists} == {name: getattr(plain, name)[0] for name in lists}
    assert columns.ln_amount[at] == math.log(one.amount_minor + 1)
    for name in (*ARRAYS, "latitude", "longitude"):
        found, wanted = getattr(columns, name), getattr(plain, name)
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found[at], wanted[0], name)
    assert columns.recent[at] == recent_body(one)
    assert columns.sighting(at, 2.5, 0.75, flagged=True) == sighting_body(one, 2.5, 0.75, flagged=True)


ARRAYS: Final = ("event_time_ms", "amount_minor", "country", "at_terminal", "card_present", "approved", "has_place")


def assert_agrees(registry: Registry, records: Sequence[Framed]) -> Columns:
    """Read records both ways: what isn't odd is the same, and no exception is raised."""
    batch, scalar = both(registry)
    columns = read(batch, records)
    assert len(columns) == len(records)
    assert columns.offsets.tolist() == list(range(9, 9 + len(records)))
    for at, (key, value) in enumerate(records):
        one = scalar_or_none(scalar, key, value)
        if not columns.odd[at]:
            assert one is not None, "the scalar reader refuses it"
            assert_same(columns, at, one)
    return columns


def ids() -> st.SearchStrategy[str]:
    sizes = st.sampled_from([1, 2, 36, 62, 63, 64, 65, 127, 128, 199, 200])
    return st.text(min_size=1, max_size=12) | st.builds(
        lambda letter, size: letter * size, st.characters(codec="utf-8"), sizes
    )


def degrees(most: int) -> st.SearchStrategy[float]:
    return st.floats(-most, most) | st.sampled_from([0.0, -0.0, float(most), -float(most), 5e-324])


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a good transaction of any schema here."""
    place = draw(st.none() | st.tuples(degrees(90), degrees(180)))
    digits = st.text("0123456789", min_size=4, max_size=4)
    return record(
        transactionId=draw(ids()),
        cardId=draw(ids()),
        cardLastFour=draw(digits),
        userId=draw(ids()),
        eventTime=draw(st.integers(946_684_800_000, 4_102_444_799_999) | st.just(NOON_MS)),
        amountMinor=draw(st.integers(0, 10**12) | st.sampled_from([0, 63, 64, 8_191, 8_192, 10**12])),
        currency=draw(st.text("AMZ", min_size=3, max_size=3)),
        merchantId=draw(ids()),
        merchantName=draw(st.text(max_size=20) | ids()),
        merchantCategory=draw(digits),
        terminalId=draw(st.none() | ids()),
        channel=draw(st.sampled_from(["CARD_PRESENT", "CARD_NOT_PRESENT"])),
        deviceId=draw(st.none() | ids()),
        country=draw(st.text("AMZ", min_size=2, max_size=2)),
        latitude=place and place[0],
        longitude=place and place[1],
        approved=draw(st.booleans()),
    )


EXTRA: Final[list[tuple[Any, st.SearchStrategy[Any]]]] = [
    ("string", st.text(max_size=70)),
    ("long", st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**55, 2**56, -(2**62), 2**62])),
    ("int", st.integers(-(2**31), 2**31 - 1)),
    ("boolean", st.booleans()),
    ("double", st.floats()),
    ("float", st.floats(width=32)),
    ({"type": "long", "logicalType": "timestamp-millis"}, st.integers(0, 2**45)),
    ({"type": "string", "avro.java.string": "String"}, st.text(max_size=5)),
]


@dataclass(frozen=True)
class Writer:
    """A schema, and what its extra fields may hold."""

    text: str
    extra: dict[str, st.SearchStrategy[Any]]


@st.composite
def writers(draw: st.DrawFn) -> Writer:
    """Draw a schema that has a plan: as it could have been before or after, or on another's side."""
    schema = json.loads(definition("transaction"))
    dropped = [name for names in draw(st.sets(st.sampled_from(OPTIONAL))) for name in names]
    kept = [one for one in schema["fields"] if one["name"] not in dropped]
    for one in kept:
        one.pop("default", None)
        if one["name"] == "channel":
            one["type"]["symbols"] = draw(st.permutations(["CARD_PRESENT", "CARD_NOT_PRESENT", "BY_MAIL"]))
        if one["name"] == "deviceId":
            one["type"] = draw(st.permutations(["null", "string"]))
    extra: dict[str, st.SearchStrategy[Any]] = {}
    for number, (kind, values) in enumerate(draw(st.lists(st.sampled_from(EXTRA), max_size=4))):
        union = draw(st.sampled_from([None, 0, 1]))
        kept.append(
            {"name": f"extra{number}", "type": kind if union is None else [["null", kind], [kind, "null"]][union]}
        )
        extra[f"extra{number}"] = values if union is None else st.none() | values
    if draw(st.booleans()):
        kept.append({"name": "tone", "type": {"type": "enum", "name": "Tone", "symbols": ["LOW", "HIGH"]}})
        extra["tone"] = st.sampled_from(["LOW", "HIGH"])
    return Writer(json.dumps(schema | {"fields": draw(st.permutations(kept)) if draw(st.booleans()) else kept}), extra)


RELEASED_WRITERS: Final = st.sampled_from([Writer(text, {}) for text in RELEASED])


@st.composite
def batches(draw: st.DrawFn) -> tuple[Registry, list[Framed]]:
    """Draw good records of a few schemas in both framings."""
    registry, records = Registry(), []
    some = draw(st.lists(RELEASED_WRITERS | writers(), min_size=1, max_size=3))
    for writer in draw(st.lists(st.sampled_from(some), min_size=1, max_size=6)):
        values = draw(fields()) | {name: draw(extra) for name, extra in writer.extra.items()}
        head = draw(st.sampled_from([registry.glue, registry.confluent]))(writer.text)
        records.append((values["cardId"].encode(), head + body(parsed(writer.text), values)))
    return registry, records


@settings(deadline=None)
@given(batches())
def test_good_records_of_every_schema_that_can_be_walked_are_read_as_the_scalar_reader_does(
    batch: tuple[Registry, list[Framed]],
) -> None:
    registry, records = batch
    columns = assert_agrees(registry, [(key, value) for key, value in records])
    _, scalar = both(registry)
    ones = [scalar.read(key, value) for key, value in records]
    assert columns.odd.tolist() == [any(len(text.encode()) > 200 for text in id_texts(one)) for one in ones]


def id_texts(one: Transaction) -> list[str]:
    texts = (one.transaction_id, one.card_id, one.user_id, one.merchant_id, one.terminal_id, one.device_id)
    return [text for text in texts if text]
