from __future__ import annotations

import json
from io import BytesIO, TextIOWrapper
from uuid import UUID

import fastavro
import pytest

from notifier import avro_json
from notifier.envelope import Entry, Naming, Record
from notifier.mapping import Mapper
from notifier.settings import NotifierSettings
from notifier.sinks import SINKS, open_sink
from notifier.sinks.base import Accepted
from notifier.sinks.stdout import StdoutSink
from schemas.codec import Decoder, Encoder, definition
from schemas.errors import BadRecordError, UnavailableError, UserError
from schemas.registry import FakeRegistry

LABEL = {
    "transactionId": "tx_1",
    "cardId": "card_1",
    "eventTime": 1684841916831,
    "amountMinor": 195,
    "currency": "EUR",
    "fraud": True,
    "scenario": None,
    "releaseTime": 1684841916999,
    "approved": True,
}


def mapper(registry: FakeRegistry) -> Mapper:
    naming = Naming("mine", "from ${topic}, again ${topic}")
    return Mapper(Decoder(registry, logical_types=False), naming)


def test_a_record_is_decoded_with_the_schema_it_was_written_with() -> None:
    registry = FakeRegistry()
    value = Encoder.registered("label", "labels", registry).encode(LABEL)
    entry = mapper(registry).entry(Record("labels", 1, 2, key=b"tx_1", value=value))
    assert (entry.source, entry.detail_type) == ("kafka-connect.mine", "from labels, again labels")
    assert list(json.loads(entry.detail)["value"].items()) == list(LABEL.items())


def test_a_record_whose_schema_is_unknown_is_bad_and_one_whose_registry_is_away_is_not() -> None:
    class Away(FakeRegistry):
        def definition(self, version_id: UUID) -> str:
            raise UnavailableError(f"no answer about {version_id}")

    value = Encoder("label", UUID(int=1)).encode(LABEL)
    with pytest.raises(BadRecordError, match="unknown"):
        mapper(FakeRegistry()).entry(Record("labels", 1, 2, value=value))
    with pytest.raises(UnavailableError):
        mapper(Away()).entry(Record("labels", 1, 2, value=value))


def test_a_string_of_a_value_that_is_not_utf8_makes_the_record_a_bad_one() -> None:
    registry = FakeRegistry()
    value = Encoder.registered("label", "labels", registry).encode(LABEL)
    with pytest.raises(BadRecordError, match="utf-8"):
        mapper(registry).entry(Record("labels", 1, 2, value=value.replace(b"tx_1", b"tx_\xff")))


def test_every_schema_of_the_contract_can_be_written() -> None:
    for schema in ("transaction", "label", "notification", "card_state"):
        avro_json.writer(fastavro.parse_schema(json.loads(definition(schema))))


def test_a_type_that_contains_itself_is_written() -> None:
    link = {"name": "next", "type": ["null", "Node"]}
    schema = fastavro.parse_schema({"type": "record", "name": "Node", "fields": [{"name": "n", "type": "int"}, link]})
    assert avro_json.writer(schema)({"n": 1, "next": {"n": 2, "next": None}}) == '{"n":1,"next":{"n":2,"next":null}}'


def test_a_union_of_several_types_is_refused_with_its_reason() -> None:
    with pytest.raises(BadRecordError, match="union of 2 types"):
        avro_json.writer(["null", "int", "string"])


def test_the_stdout_sink_writes_the_detail_as_it_is_put() -> None:
    buffer = BytesIO()
    sink = StdoutSink(TextIOWrapper(buffer, encoding="utf-8"))
    detail = '{"total":1.0E7,"name":"Zażółć"}'
    assert sink.put([Entry("s", "t", detail)] * 2) == [Accepted("1"), Accepted("2")]
    assert buffer.getvalue().decode() == f'{{"source":"s","detail-type":"t","detail":{detail}}}\n' * 2


def test_an_unknown_sink_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UserError, match=f"'pigeon'; known are {', '.join(sorted(SINKS))}"):
        open_sink(NotifierSettings(sink="pigeon"))
