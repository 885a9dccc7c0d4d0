from __future__ import annotations

import asyncio
import itertools
import json
import math
import os
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
EXAMPLES: Final = int(os.environ.get("CARDWATCH_TEST_EXAMPLES", "30"))
"""Of each property; a thousand take minutes."""

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
    assert columns.transaction(at) == one
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
    registry = Registry()
    records: list[Framed] = []
    some = draw(st.lists(RELEASED_WRITERS | writers(), min_size=1, max_size=3))
    for writer in draw(st.lists(st.sampled_from(some), min_size=1, max_size=6)):
        values = draw(fields()) | {name: draw(extra) for name, extra in writer.extra.items()}
        head = draw(st.sampled_from([registry.glue, registry.confluent]))(writer.text)
        records.append((values["cardId"].encode(), head + body(parsed(writer.text), values)))
    return registry, records


@settings(deadline=None, max_examples=EXAMPLES)
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


Mutation = Callable[[bytes], bytes]


def mutations() -> st.SearchStrategy[Mutation]:
    """Ways to damage bytes behind the head; places are shares of the length."""
    place, octet = st.floats(0, 1, exclude_max=True), st.integers(0, 255).map(lambda one: bytes([one]))

    def at(share: float, value: bytes) -> int:
        return 18 + int(share * max(0, len(value) - 18))

    cut = place.map(lambda share: lambda value: value[: at(share, value)])
    put = st.tuples(place, octet).map(lambda a: lambda v: v[: at(a[0], v)] + a[1] + v[at(a[0], v) + 1 :])
    insert = st.tuples(place, octet).map(lambda a: lambda v: v[: at(a[0], v)] + a[1] + v[at(a[0], v) :])
    pad = place.map(
        lambda share: lambda v: v[: at(share, v)] + bytes([v[at(share, v)] | 128, 0]) + v[at(share, v) + 1 :]
    )
    drop = place.map(lambda share: lambda value: value[: at(share, value)] + value[at(share, value) + 1 :])
    extend = st.binary(min_size=1, max_size=9).map(lambda more: lambda value: value + more)
    head = octet.map(lambda one: lambda value: one + value[1:])
    return st.one_of(cut, put, put, insert, pad, drop, extend, head)


@settings(deadline=None, max_examples=EXAMPLES)
@given(batches(), st.data())
def test_damaged_records_are_never_taken_for_other_ones(
    batch: tuple[Registry, list[Framed]], data: st.DataObject
) -> None:
    registry, records = batch
    damaged: list[Framed] = []
    for key, value in records:
        for change in data.draw(st.lists(mutations(), max_size=3)):
            value = change(value) if value and len(value) > 18 else value  # noqa: PLW2901 - step by step
        damaged += [(data.draw(st.sampled_from([key, key, key, b"", None, b"another"])), value)]
    assert_agrees(registry, damaged)


def written(registry: Registry, **changes: Any) -> Framed:
    """Return a record of today's schema."""
    values = record(**changes)
    return values["cardId"].encode(), registry.glue(RELEASED[-1]) + body(parsed(RELEASED[-1]), values)


FULL: Final = {"merchantName": "Müller \U0001f600 & Söhne", "deviceId": "dé", "transactionId": "x" * 64}

BARE: Final = dict.fromkeys(("terminalId", "deviceId", "latitude", "longitude"))


@pytest.mark.parametrize("changes", [FULL, BARE])
def test_every_changed_bit_is_noticed_or_read_alike(changes: dict[str, Any]) -> None:
    registry = Registry()
    key, good = written(registry, **changes)
    assert good
    places = itertools.product(range(18, len(good)), range(8))
    changed = [good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :] for at, bit in places]
    columns = assert_agrees(registry, [(key, good), *((key, value) for value in changed), (key, good)])
    assert not columns.odd[0]
    assert not columns.odd[-1]
    assert 0 < columns.odd.sum() < len(columns)


def test_a_record_that_ends_anywhere_is_odd_and_its_neighbours_are_not() -> None:
    registry = Registry()
    key, good = written(registry, **FULL)
    assert good
    records = [(key, value) for size in range(len(good)) for value in (good[:size], good)]
    columns = assert_agrees(registry, records)
    assert columns.odd.tolist() == [True, False] * len(good)


def test_a_byte_that_is_no_utf8_is_found_in_every_string() -> None:
    registry = Registry()
    marks = {name: f"<{name}>" for name in ("transactionId", "cardId", "userId", "merchantId", "merchantName")}
    marks |= {name: f"<{name}>" for name in ("terminalId", "deviceId")}
    key, good = written(registry, **marks)
    assert key
    assert good
    for mark in marks.values():
        for wrong in (b"\xff", b"\x80", b"\xc3", b"\xed"):
            for place in (mark[:1], mark[-1:]):
                new = mark.replace(place, "\0").encode().replace(b"\0", wrong)
                value, bad_key = good.replace(mark.encode(), new), key.replace(mark.encode(), new)
                assert assert_agrees(registry, [(key, good), (bad_key, value), (key, good)]).odd.tolist() == [0, 1, 0]


def test_two_strings_that_are_utf8_only_together_are_odd() -> None:
    registry = Registry()
    key, good = written(registry, merchantId="m<", merchantName=">" + "n" * 99)
    assert good
    # A name of 100 bytes has the length c8 01, and c3 c8 is no character, but c3 88 is: so 68 bytes (88 01).
    short = good.replace(b"n" * 99, b"n" * 67).replace(b"\xc8\x01>", b"\x88\x01>")
    assert not assert_agrees(registry, [(key, short)]).odd.any()
    assert assert_agrees(registry, [(key, short.replace(b"m<", b"m\xc3"))]).odd.all()


PADDED: Final = [
    (b"\x48" + b"t" * 36, b"\xc8\x00" + b"t" * 36),
    (b"\x18" + b"merchant-one", b"\x98\x80\x00" + b"merchant-one"),
    (b"\xc4\x13\x06EUR", b"\xc4\x93\x00\x06EUR"),
    (b"\x06EUR", b"\x86\x00EUR"),
    (b"\x02\x14terminal-1", b"\x82\x00\x14terminal-1"),
]


@pytest.mark.parametrize(("short", "padded"), PADDED)
def test_a_number_that_is_longer_than_it_must_be_is_not_copied(short: bytes, padded: bytes) -> None:
    registry = Registry()
    key, good = written(registry, transactionId="t" * 36, merchantId="merchant-one")
    assert good
    assert good.count(short) == 1
    columns = assert_agrees(registry, [(key, good), (key, good.replace(short, padded))])
    assert columns.odd.tolist() == [False, True]


BAD: Final[list[dict[str, Any]]] = [
    *({name: ""} for name in ("transactionId", "cardId", "userId", "merchantId", "terminalId", "deviceId")),
    *({name: "x" * 201} for name in ("transactionId", "cardId", "userId", "merchantId", "terminalId", "deviceId")),
    *({"merchantCategory": text} for text in ("541", "54111", "541a", "54/1", "541:", "५४११", "")),
    *({"cardLastFour": text} for text in ("424", "42424", "/242", "424:", "٤٢٤٢")),
    *({"currency": text} for text in ("eUR", "EU", "EURO", "EU@", "EU[", "EU1", "ÉU", "EU ")),
    *({"country": text} for text in ("D", "DEU", "De", "D@", "D[", "É", "D\0")),
    *({"eventTime": time} for time in (-1, 946_684_799_999, 4_102_444_800_000, 2**62, -(2**63))),
    *({"amountMinor": amount} for amount in (-1, 10**12 + 1, 2**63 - 1, -(2**63))),
    *({"latitude": place} for place in (90.01, -91.0, math.nan, math.inf, -math.inf, None)),
    *({"longitude": place} for place in (180.01, -181.0, math.nan, math.inf, -math.inf, None)),
]


def test_what_no_transaction_can_have_is_odd() -> None:
    registry = Registry()
    records = [written(registry, **changes) for changes in BAD]
    good = written(registry)
    columns = assert_agrees(registry, [one for bad in records for one in (bad, good)])
    assert [changes for changes, odd in zip(BAD, columns.odd[::2], strict=True) if not odd] == []
    assert not columns.odd[1::2].any()


def test_keys_values_and_framing_that_are_not_as_they_must_be_are_odd() -> None:
    registry = Registry()
    key, good = written(registry)
    assert good
    compressed = good[:1] + b"\5" + good[2:18] + zlib.compress(good[18:])
    unknown = good[:2] + bytes(16) + good[18:]
    odd: list[Framed] = [
        (None, good), (b"", good), (b"card-2", good), (b"card-11", good), (b"card-", good), (key, None), (key, b""),
        (key, b"\7" + good[1:]), (key, good[:17]), (key, good[:18]), (key, unknown), (key, compressed),
        (key, b"\0"), (key, b"\0" + bytes(9)),
    ]  # fmt: skip
    columns = assert_agrees(registry, [one for bad in odd for one in (bad, (key, good))])
    assert columns.odd.tolist() == [True, False] * len(odd)
    assert columns.card_ids[::2] == columns.transaction_ids[::2] == columns.recent[::2] == [b""] * len(odd)


def test_without_a_registry_for_them_records_in_confluent_framing_are_odd() -> None:
    registry = Registry()
    (key, good), other = written(registry), registry.confluent(RELEASED[-1])
    assert good
    columns = read(ColumnReader(registry), [(key, other + good[18:]), (key, good)])
    assert columns.odd.tolist() == [True, False]


def test_no_records_make_empty_columns() -> None:
    columns = read(ColumnReader(Registry()), [])
    assert len(columns) == len(columns.odd) == len(columns.recent) == 0


def without(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(definition("transaction"))
    return schema | {"fields": [one for one in schema["fields"] if one["name"] != name]}


def with_type(name: str, kind: Any) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(definition("transaction"))
    return schema | {"fields": [one | {"type": kind} if one["name"] == name else one for one in schema["fields"]]}


def with_extra(kind: Any) -> dict[str, Any]:
    schema = without("")
    return schema | {"fields": [*schema["fields"], {"name": "extra", "type": kind}]}


NO_PLAN: Final[list[Any]] = [
    "long",
    ["null", "string"],
    {"type": "record"},
    without("") | {"name": "Payment"},
    *(without(name) for name in ("transactionId", "eventTime", "channel", "approved", "country")),
    with_type("merchantId", "bytes"),
    with_type("merchantId", ["null", "string"]),
    with_type("eventTime", "double"),
    with_type("latitude", "double"),
    with_type("latitude", ["null", "float"]),
    with_type("latitude", ["double", "null"]),
    with_type("terminalId", ["string", "null"]),
    with_type("terminalId", ["null", "string", "long"]),
    with_type("channel", {"type": "enum", "name": "Kind", "symbols": ["CARD_PRESENT", "CARD_NOT_PRESENT"]}),
    with_type("channel", "string"),
    *(
        with_extra(kind)
        for kind in ("bytes", "null", ["null"], ["long"], {"type": "array", "items": "long"}, "Channel")
    ),
    with_extra({"type": "fixed", "name": "Four", "size": 4}),
    without("") | {"fields": [*without("")["fields"], *({"name": f"extra{one}", "type": "int"} for one in range(48))]},
]


@pytest.mark.parametrize("schema", NO_PLAN, ids=lambda schema: json.dumps(schema)[-60:])
def test_a_schema_that_cannot_be_walked_has_no_plan(schema: Any) -> None:
    assert plan(json.dumps(schema)) is None
    registry = Registry()
    assert read(ColumnReader(registry), [(b"card-1", registry.glue(json.dumps(schema)) + bytes(99))]).odd.all()


def test_text_that_is_no_schema_has_no_plan() -> None:
    assert plan("{") is None


def test_a_schema_that_must_be_fetched_is_asked_for_before_anything_is_read() -> None:
    registry = Registry()
    key, good = written(registry)
    cache = SchemaCache(registry.definition)
    batch = ColumnReader(cache)
    with pytest.raises(SchemaNeededError) as needed:
        read(batch, [(key, good)])
    asyncio.run(needed.value.cache.fetch(needed.value.version))
    assert read(batch, [(key, good)]).odd.tolist() == [False]


def test_an_unknown_schema_is_odd_and_the_scalar_reader_still_hears_of_it() -> None:
    key, good = written(Registry())
    cache = SchemaCache(Registry().definition)
    batch, scalar = ColumnReader(cache), TransactionReader(Decoder(cache, reader="transaction"))
    with pytest.raises(SchemaNeededError) as needed:
        read(batch, [(key, good)])
    asyncio.run(needed.value.cache.fetch(needed.value.version))
    assert read(batch, [(key, good)]).odd.tolist() == [True]
    with pytest.raises(UnknownSchemaError):
        scalar.read(key, good)


def test_what_the_generator_makes_is_never_odd() -> None:
    """Else all would be as slow as record by record, and nothing else would tell."""
    registry, known = FakeRegistry(), Registry()
    wire = Wire.registered(registry)
    made = itertools.islice(transactions(make_plan(7, NOON_MS // DAY_MS * DAY_MS, "handbook", cards=100)), 600)
    records: list[Framed] = [wire.written(transaction)[1:] for transaction, _ in made]
    known.schemas |= dict(registry.definitions.items())
    scalar = both(known)[1]
    assert any(not one.merchant_name.isascii() for one in (scalar.read(key, value) for key, value in records))
    assert not assert_agrees(known, records).odd.any()
    for at in [0, 1, 3, 6, *range(10, 101, 10)]:
        assert not assert_agrees(known, records[at : at * 2]).odd.any()


def test_the_letters_of_a_country_come_out_of_its_code() -> None:
    assert country_code("DE") == 0x4445
    assert country_name(country_code("DE")) == "DE"
