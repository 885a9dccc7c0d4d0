"""The quick ways of writing JSON against the slow ones that say what is meant."""

from __future__ import annotations

import json
from typing import Any

import fastavro
from hypothesis import given
from hypothesis import strategies as st

from notifier import avro_json, java_json
from notifier.envelope import Entry, Naming, Record, entry

TEXTS = st.text(st.characters(exclude_categories=())) | st.text('\x00\x01\x1f\x7f"\\/\n\t\u2028éu0', max_size=20)
FIELDS: list[dict[str, Any]] = [
    {"name": "text", "type": "string"},
    {"name": 'a "quoted" \u001f name', "type": ["null", "long"]},
    {"name": "list", "type": {"type": "array", "items": ["string", "null"]}},
    {"name": "map", "type": {"type": "map", "values": "double"}},
    {"name": "raw", "type": "bytes"},
    {"name": "none", "type": {"type": "record", "name": "None", "fields": []}},
]


def quoted(text: str) -> str:
    """Jackson's rule, one character after the other."""
    named = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    return '"' + "".join(named.get(c) or (f"\\u{ord(c):04X}" if ord(c) < 0x20 else c) for c in text) + '"'


@given(TEXTS)
def test_a_text_is_quoted_character_by_character_as_the_rule_says(text: str) -> None:
    assert java_json.string(text) == quoted(text)


@given(st.binary() | TEXTS.map(lambda text: text.encode(errors="surrogatepass")))
def test_bytes_are_read_as_java_reads_them(data: bytes) -> None:
    surrogates = java_json._ENCODED_SURROGATE.sub("\ufffd".encode(), data)
    assert java_json.utf8(data) == surrogates.decode(errors="replace")


VALUES = st.fixed_dictionaries(
    {
        "text": TEXTS,
        FIELDS[1]["name"]: st.none() | st.integers(-(2**63), 2**63 - 1),
        "list": st.lists(st.none() | TEXTS, max_size=4),
        "map": st.dictionaries(TEXTS, st.floats(), max_size=4),
        "raw": st.binary(max_size=9),
        "none": st.just({}),
    }
)


@given(VALUES)
def test_a_value_is_written_field_by_field_in_the_schemas_order(value: dict[str, Any]) -> None:
    schema = fastavro.parse_schema({"type": "record", "name": "R", "fields": [*FIELDS]})
    doubles = ",".join(f"{quoted(name)}:{java_json.double(number)}" for name, number in value["map"].items())
    number = value[FIELDS[1]["name"]]
    members = [
        ("text", quoted(value["text"])),
        (FIELDS[1]["name"], "null" if number is None else str(number)),
        ("list", f"[{','.join('null' if item is None else quoted(item) for item in value['list'])}]"),
        ("map", f"{{{doubles}}}"),
        ("raw", java_json.base64_string(value["raw"])),
        ("none", "{}"),
    ]
    wanted = f"{{{','.join(f'{quoted(name)}:{text}' for name, text in members)}}}"
    assert avro_json.writer(schema)(value) == wanted


@given(TEXTS, st.none() | st.binary(max_size=20), st.none() | st.integers(0, 2**62))
def test_an_entry_is_json_in_the_connectors_order_and_its_size_is_of_its_bytes(
    topic: str, key: bytes | None, timestamp_ms: int | None
) -> None:
    record = Record(topic, 3, 4, timestamp_ms, "CreateTime", (("h", b"1"), ("h", None)), key)
    made = entry(record, '{"a":1}', Naming())
    members = [
        ("topic", quoted(topic)),
        ("partition", "3"),
        ("offset", "4"),
        ("timestamp", json.dumps(timestamp_ms)),
        ("timestampType", '"CreateTime"'),
        ("headers", '[{"h":1},{"h":null}]'),
        ("key", "null" if key is None else quoted(java_json.utf8(key))),
        ("value", '{"a":1}'),
    ]
    assert made.detail == java_json.obj(members)


@given(*[st.text(max_size=20)] * 3)
def test_the_size_of_an_entry_is_that_of_its_utf8(source: str, detail_type: str, detail: str) -> None:
    assert Entry(source, detail_type, detail).size == len((source + detail_type + detail).encode())
