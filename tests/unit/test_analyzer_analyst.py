"""Batches through the card stage's desk: what is judged, told, counted and given up; schemas that must be fetched."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from analyzer.analyst import Analyst
from analyzer.batch.decode import ColumnReader
from analyzer.batch.judge import BatchJudge
from analyzer.card_desk import CardDesk
from analyzer.card_states import CardStates
from analyzer.core.window import CardWindow, Country
from analyzer.desk import Notifier
from analyzer.metrics import Metrics
from analyzer.ports import Batch, Outgoing
from analyzer.schema_cache import SchemaCache, SchemaNeededError, glue_cache
from analyzer.wire import StateCodec, TransactionReader
from schemas.codec import Decoder, Encoder, definition
from schemas.dead_letter import PREFIX
from schemas.errors import BadRecordError, UnavailableError, UserError
from schemas.registry import FakeRegistry, UnknownSchemaError
from schemas.topics import CARDS_CHANGELOG, NOTIFICATIONS, SHADOW, SIGHTINGS
from tests.analyzer_input import NOON_MS, batch, judge, record, sight

DEAD_LETTERS = "transactions.dlq"


def today() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


class Bench:
    """A card desk and its states."""

    def __init__(self, shadow: frozenset[str] = frozenset()) -> None:
        self.registry = FakeRegistry()
        self.metrics = Metrics(CollectorRegistry())
        self.codec = StateCodec(
            Encoder.registered("card_state", CARDS_CHANGELOG, self.registry),
            Decoder(self.registry, reader="card_state", logical_types=False),
        )
        self.states = CardStates(self.codec)
        self.transactions = Encoder.registered("transaction", "transactions", self.registry)
        self.schemas = glue_cache(self.registry)
        desk = CardDesk(
            columns=ColumnReader(self.schemas),
            reader=TransactionReader(Decoder(self.schemas, reader="transaction", logical_types=False)),
            judge_=BatchJudge(judge(alert_threshold=0.3, shadow=shadow), sight(least_history=2)),
            notifier=Notifier(
                Encoder.registered("notification", NOTIFICATIONS, self.registry),
                Encoder.registered("notification", SHADOW, self.registry),
                today,
                "1",
            ),
            sightings=Encoder.registered("sighting", SIGHTINGS, self.registry),
            states=self.states,
            metrics=self.metrics,
        )
        self.analyst = Analyst(desk, max_dead_letters_in_a_row=3)

    async def ready(self) -> Bench:
        """Have the schema of transactions in memory."""
        with pytest.raises(SchemaNeededError) as needed:
            self.analyse(0)
        await needed.value.cache.fetch(needed.value.version)
        return self

    def value(self, offset: int, **changes: Any) -> bytes:
        return self.transactions.encode(record(transactionId=f"t-{offset}", **changes))

    def analyse(
        self, offset: int, key: bytes | None = b"card-1", value: bytes | None = None, **changes: Any
    ) -> list[Outgoing]:
        records = (offset, key, value or self.value(offset, **changes))
        return self.analyst.analyse(batch(records, headers=(("a", b"b"), ("a", None)), timestamp_ms=NOON_MS + 1))

    def window(self, card_id: bytes = b"card-1") -> CardWindow:
        """Return what is known of a card."""
        (slot,) = self.states.slots(3, [card_id])
        return self.states.store.window(int(slot))

    def changed(self) -> dict[str, CardWindow]:
        """Return the states that changed since the last time, as they are written."""
        return {one.key.decode(): self.codec.decode(one.value) for one in self.states.snapshot()}


async def test_a_flagged_transaction_becomes_one_notification_with_its_card_as_key() -> None:
    bench = await Bench().ready()
    results = [bench.analyse(offset, eventTime=NOON_MS + offset, merchantId=f"m-{offset}") for offset in range(5)]
    assert [len(told) for told in results] == [0, 0, 0, 0, 1]
    assert (results[4][0].topic, results[4][0].key) == (NOTIFICATIONS, b"card-1")
    assert bench.metrics.flagged._value.get() == 1
    assert bench.metrics.judged._value.get() == 5


async def test_what_only_the_shadow_would_flag_goes_to_its_topic_and_alerts_nobody() -> None:
    bench = await Bench(shadow=frozenset({"velocity"})).ready()
    results = [bench.analyse(offset, eventTime=NOON_MS + offset, merchantId=f"m-{offset}") for offset in range(5)]
    assert [[sent.topic for sent in told] for told in results] == [[], [], [], [], [SHADOW]]
    assert results[4][0].key == b"card-1"
    assert bench.metrics.flagged._value.get() == 0
    assert bench.metrics.shadow_findings.labels("velocity")._value.get() == 1
    assert bench.window().flagged == 0


async def test_a_transaction_above_the_cards_habit_is_sighted_with_its_terminal_as_key() -> None:
    bench = await Bench().ready()
    for offset in range(3):
        bench.analyse(offset, eventTime=NOON_MS + offset * 3_600_000)
    told = bench.analyse(3, eventTime=NOON_MS + 4 * 3_600_000, amountMinor=4_000)
    assert [(out.topic, out.key) for out in told] == [(SIGHTINGS, b"terminal-1")]
    assert bench.window().sighted == 1
    assert bench.metrics.sighted._value.get() == 1


async def test_a_record_that_was_applied_already_changes_nothing() -> None:
    bench = await Bench().ready()
    bench.analyse(5)
    assert bench.changed()["card-1"].judged == 1
    assert bench.analyse(5) == []
    assert bench.changed() == {}
    assert bench.metrics.replayed._value.get() == 1


async def test_late_and_duplicate_records_are_counted_in_the_card_and_in_the_metrics() -> None:
    bench = await Bench().ready()
    bench.analyse(0, eventTime=NOON_MS)
    bench.analyse(1, eventTime=NOON_MS - 3_600_001)
    bench.analyse(2, value=bench.transactions.encode(record(transactionId="t-0")))
    card = bench.window()
    assert (card.judged, card.late, card.duplicate) == (1, 1, 1)
    assert (bench.metrics.late._value.get(), bench.metrics.duplicates._value.get()) == (1, 1)


async def test_records_that_only_count_take_one_line_of_the_log_for_all_of_a_kind() -> None:
    bench = await Bench().ready()
    first = (0, b"card-1", bench.value(0))
    late = [(at, b"card-1", bench.value(at, eventTime=NOON_MS - at * 3_600_000)) for at in range(2, 20)]
    with capture_logs() as logs:
        bench.analyst.analyse(batch(first, (1, *first[1:]), *late), batch(first, partition=4))
    twice, once = sorted(logs, key=lambda line: str(line["event"]))
    assert (twice["event"], twice["records"], twice["first"]) == ("duplicate", 1, ["3/1"])
    assert (once["event"], once["records"], once["most_behind_s"]) == ("late", 18, 19 * 3_600.0)
    assert once["first"] == [f"3/{offset}" for offset in range(2, 12)]
    assert (bench.metrics.late._value.get(), bench.metrics.duplicates._value.get()) == (18, 1)
    assert (bench.window().late, bench.window().duplicate) == (18, 1)


async def test_a_bad_record_becomes_a_dead_letter_with_its_bytes_headers_time_and_reason() -> None:
    bench = await Bench().ready()
    (letter,) = bench.analyse(8, b"k", b"not avro")
    assert (letter.topic, letter.key, letter.value) == (DEAD_LETTERS, b"k", b"not avro")
    assert letter.timestamp_ms == NOON_MS + 1
    assert letter.headers[:2] == (("a", b"b"), ("a", None))
    headers = dict(letter.headers)
    assert headers[PREFIX + "offset"] == b"8"
    assert headers[PREFIX + "partition"] == b"3"
    assert b"framing" in (headers[PREFIX + "exception.message"] or b"")
    assert bench.changed() == {}


async def test_a_good_record_between_bad_ones_keeps_the_worker_going() -> None:
    bench = await Bench().ready()
    for offset in range(0, 12, 3):
        bench.analyse(offset, value=b"bad")
        bench.analyse(offset + 1, value=b"bad")
        bench.analyse(offset + 2)
    assert bench.metrics.dead_letters._value.get() == 8


async def test_too_many_bad_records_in_a_row_stop_the_worker_with_the_reason() -> None:
    bench = await Bench().ready()
    bench.analyse(0, value=b"bad")
    bench.analyse(1, value=b"bad")
    with pytest.raises(UserError, match=r"3 records in a row were bad, the last because .* framing"):
        bench.analyse(2, value=b"bad")


@pytest.mark.parametrize(("count", "bad"), [(30, [7]), (7, [3]), (8, [0, 5]), (8, [6, 7]), (6, [1])])
async def test_a_batch_is_judged_as_its_records_would_be_one_by_one(count: int, bad: list[int]) -> None:
    whole, single = await Bench().ready(), await Bench().ready()
    records = [
        (
            offset,
            f"card-{offset % 3}".encode(),
            whole.value(offset, cardId=f"card-{offset % 3}", merchantId=f"m-{offset}"),
        )
        for offset in range(count)
    ]
    for offset in bad:
        records[offset] = (offset, b"card-1", b"bad")
    told = whole.analyst.analyse(batch(*records))
    one_by_one = [single.analyst.analyse(batch(one)) for one in records]
    assert sorted(map(repr, told)) == sorted(repr(one) for some in one_by_one for one in some)
    assert whole.changed() == single.changed()


async def test_batches_of_several_partitions_are_judged_at_once_as_each_would_be_alone() -> None:
    whole, single = await Bench().ready(), await Bench().ready()
    records = [(at, b"card-1", whole.value(at, merchantId=f"m-{at}", eventTime=NOON_MS + at)) for at in range(10)]
    batches = [batch(*records[:6]), batch((0, b"card-1", b"bad"), partition=4), batch(*records, partition=5)]
    told = whole.analyst.analyse(*batches)
    one_by_one = [single.analyst.analyse(one) for one in batches]
    assert sorted(map(repr, told)) == sorted(repr(one) for some in one_by_one for one in some)
    assert [dict(one.headers)[PREFIX + "partition"] for one in told if one.topic == DEAD_LETTERS] == [b"4"]
    states = {(one.partition, one.key): one.value for one in whole.states.snapshot()}
    assert states == {(one.partition, one.key): one.value for one in single.states.snapshot()}
    assert [states.keys() == {(3, b"card-1"), (5, b"card-1")}, whole.metrics.judged._value.get()] == [True, 16]


async def test_bad_records_in_a_row_are_counted_over_batches_and_a_good_one_between_ends_the_row() -> None:
    bench = await Bench().ready()
    good, bad = (1, b"card-1", bench.value(1)), (0, b"card-1", b"bad")
    bench.analyst.analyse(batch(bad, bad, good, bad, bad))
    with pytest.raises(UserError, match="3 records in a row"):
        bench.analyst.analyse(batch(bad, good))


async def test_before_too_many_bad_records_stop_the_worker_no_state_has_moved_on() -> None:
    bench = await Bench().ready()
    with pytest.raises(UserError, match="3 records in a row"):
        bench.analyst.analyse(batch((0, b"card-1", bench.value(0)), *[(at, None, b"bad") for at in (1, 2, 3)]))
    assert bench.changed() == {}


async def test_a_schema_in_the_middle_of_a_batch_that_must_be_fetched_leaves_everything_as_it_was() -> None:
    bench = await Bench().ready()
    other = Encoder("transaction", bench.registry.register("transactions-other", definition("transaction")))
    records = [(0, b"card-1", bench.value(0)), (1, b"card-1", b"bad"), (2, b"card-1", other.encode(record()))]
    with pytest.raises(SchemaNeededError) as needed:
        bench.analyst.analyse(batch(*records))
    assert (bench.changed(), bench.metrics.judged._value.get(), bench.metrics.dead_letters._value.get()) == ({}, 0, 0)
    await needed.value.cache.fetch(needed.value.version)
    bench.analyst.analyse(batch(*records))
    assert bench.changed()["card-1"].judged == 2


async def test_a_schema_that_a_later_partition_needs_leaves_the_earlier_ones_as_they_were() -> None:
    bench = await Bench().ready()
    other = Encoder("transaction", bench.registry.register("transactions-other", definition("transaction")))
    for count in (1, 10):
        batches = [
            batch(*[(at, b"card-1", bench.value(at)) for at in range(count)]),
            batch((0, b"card-1", other.encode(record())), partition=4),
        ]
        with pytest.raises(SchemaNeededError):
            bench.analyst.analyse(*batches)
    assert (bench.changed(), bench.metrics.judged._value.get()) == ({}, 0)


async def no_wait(_: float) -> None:
    await asyncio.sleep(0)


class Registry:
    """Answers with what it is given, one after the other."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)

    def lookup(self, _: object) -> str:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_schema_is_asked_for_until_the_registry_is_back() -> None:
    registry = Registry(UnavailableError("away"), UnavailableError("away"), "schema")
    cache = SchemaCache(registry.lookup, no_wait)
    with pytest.raises(SchemaNeededError):
        cache.definition(7)
    await cache.fetch(7)
    assert cache.definition(7) == "schema"


async def test_an_unknown_schema_is_reported_until_it_is_asked_for_again() -> None:
    cache = SchemaCache(Registry(UnknownSchemaError("schema 7 is unknown"), "schema").lookup, no_wait)
    await cache.fetch(7)
    for _ in range(2):
        with pytest.raises(BadRecordError, match="unknown"):
            cache.definition(7)
    cache.ask_again()
    with pytest.raises(SchemaNeededError):
        cache.definition(7)
    await cache.fetch(7)
    assert cache.definition(7) == "schema"


async def test_refused_credentials_end_the_waiting() -> None:
    cache = SchemaCache(Registry(UserError("refused")).lookup, no_wait)
    with pytest.raises(UserError, match="refused"):
        await cache.fetch(7)


def recovered(bench: Bench, partitions: tuple[int, ...], cards: int) -> list[Batch]:
    """Let states of cards be recovered in some partitions, and return a transaction of each."""
    for partition in partitions:
        for card in range(cards):
            state = CardWindow(applied_offset=0, judged=7 + partition, countries=(Country("PT", 1),))
            bench.states.restored(partition, b"card-%d" % card, bench.codec.encode(state))
    return [
        batch(
            *((1 + card, b"card-%d" % card, bench.value(1 + card, cardId=f"card-{card}")) for card in range(cards)),
            partition=partition,
        )
        for partition in partitions
    ]


async def test_many_recovered_cards_of_several_partitions_are_judged_by_what_is_known_of_them() -> None:
    bench = await Bench().ready()
    bench.analyst.analyse(*recovered(bench, (3, 4), cards=30))
    judged = [
        bench.states.store.window(int(slot)).judged
        for partition in (3, 4)
        for slot in bench.states.slots(partition, [b"card-%d" % card for card in range(30)])
    ]
    assert judged == [7 + 3 + 1] * 30 + [7 + 4 + 1] * 30


async def test_a_recovered_state_that_cannot_be_read_names_its_topic_and_the_remedy() -> None:
    bench = await Bench().ready()
    batches = recovered(bench, (3,), cards=30)
    bench.states.restored(3, b"card-7", bench.codec.encode(CardWindow(applied_offset=5))[:-1])
    with pytest.raises(UserError, match=rf"a state of {CARDS_CHANGELOG} can't be read: .*Delete that topic"):
        bench.analyst.analyse(*batches)
