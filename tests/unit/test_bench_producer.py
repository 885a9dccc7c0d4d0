"""The bench of producers tells valid records from others, whoever wrote them."""

from __future__ import annotations

from itertools import islice
from typing import Final

from faker import Faker

from bench.producer.measure import MAKERS, Part, Run, Stand, faults
from bench.producer.peer import record
from producer.presets import make_plan
from producer.timeline import transactions
from producer.wire import Wire
from schemas.codec import Encoder, definition
from schemas.registry import FakeRegistry
from schemas.topics import LABELS, ORACLE, TRANSACTIONS

OURS, FAKER = MAKERS
registry = FakeRegistry()
wire = Wire.registered(registry)
VERSIONS: Final = {
    topic: registry.version_id(topic, definition(schema))
    for topic, schema in ((TRANSACTIONS, "transaction"), (LABELS, "label"), (ORACLE, "label"))
}
STAND: Final = Stand("embedded", VERSIONS, {}, "workshop", lambda _: None)


def ours(count: int) -> list[tuple[str, bytes, bytes]]:
    pairs = islice(transactions(make_plan(7, 1_767_225_600_000, "workshop", 30)), count)
    return [wire.written(one) for pair in pairs for one in pair]


def test_what_ours_writes_is_valid() -> None:
    assert faults(STAND, OURS, ours(20), 20) == []


def test_what_the_peer_makes_is_valid() -> None:
    Faker.seed(7)
    fake, encoder = Faker(), Encoder("transaction", VERSIONS[TRANSACTIONS])
    made = [record(fake) for _ in range(20)]
    written = [(TRANSACTIONS, one["cardId"].encode(), encoder.encode(one)) for one in made]
    assert faults(STAND, FAKER, written, 20) == []


def test_a_record_that_is_missing_broken_or_under_another_key_is_told() -> None:
    records = ours(5)
    topic, key, value = records[0]
    assert any("not 6" in line for line in faults(STAND, OURS, records, 6))
    assert any("has key b'other'" in line for line in faults(STAND, OURS, [(topic, b"other", value), *records[1:]], 5))
    assert any("ends early" in line for line in faults(STAND, OURS, [(topic, key, value[:-9]), *records[1:]], 5))
    unlabelled = [one for one in records if one[0] == TRANSACTIONS]
    assert any("one label" in line for line in faults(STAND, OURS, unlabelled, 5))


def test_the_start_of_a_process_is_not_in_the_cost_of_a_transaction() -> None:
    found = Run(Part(500, 1.5, 2.0), Part(100_500, 3.5, 6.0), [])
    assert round(found.cpu_us, 6) == 20
    assert round(found.wall_us, 6) == 40
