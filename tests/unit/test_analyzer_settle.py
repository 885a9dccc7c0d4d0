from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from analyzer.analyst import Analyst, Incoming
from analyzer.core.window import CardWindow
from analyzer.desk import CardDesk, Notifier
from analyzer.metrics import Metrics
from analyzer.schema_cache import SchemaCache, SchemaNeededError
from analyzer.settle import FakePublisher, Outgoing, Result, Settler, Update
from analyzer.states import States
from analyzer.wire import StateCodec, TransactionReader
from schemas.codec import Decoder, Encoder
from schemas.dead_letter import PREFIX
from schemas.errors import BadRecordError, UnavailableError, UserError
from schemas.registry import FakeRegistry, UnknownSchemaError
from schemas.topics import CARDS_CHANGELOG, NOTIFICATIONS, SHADOW, SIGHTINGS
from tests.analyzer_input import NOON_MS, judge, record, sight

DEAD_LETTERS = "transactions.dlq"


def today() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


class Bench:
    """A settler with everything around it in memory."""

    def __init__(
        self,
        fail_on: Callable[[Outgoing], bool] = lambda _: False,
        max_unsettled: int = 2_000,
        shadow: frozenset[str] = frozenset(),
    ) -> None:
        registry = FakeRegistry()
        self.metrics = Metrics(CollectorRegistry())
        self.codec = StateCodec(
            Encoder.registered("card_state", CARDS_CHANGELOG, registry),
            Decoder(registry, reader="card_state", logical_types=False),
        )
        self.states = States(self.codec)
        self.publisher = FakePublisher(fail_on=fail_on)
        self.now = 0.0
        self.settler = Settler(
            self.publisher,
            CARDS_CHANGELOG,
            self.states,
            self.metrics,
            lambda: self.now,
            max_unsettled=max_unsettled,
        )
        self.done: list[str] = []
        self.transactions = Encoder.registered("transaction", "transactions", registry)
        desk = CardDesk(
            reader=TransactionReader(Decoder(registry, reader="transaction", logical_types=False)),
            judge_=judge(alert_threshold=0.3, shadow=shadow),
            sight=sight(least_history=2),
            notifier=Notifier(
                Encoder.registered("notification", NOTIFICATIONS, registry),
                Encoder.registered("notification", SHADOW, registry),
                today,
                "1",
            ),
            sightings=Encoder.registered("sighting", SIGHTINGS, registry),
            metrics=self.metrics,
        )
        self.analyst = Analyst(desk, self.states, today, max_dead_letters_in_a_row=3)

    def add(self, name: str, *topics: str, window: CardWindow | None = None, card: str = "card") -> None:
        """Add a result that is `done` as `name`."""
        update = None if window is None else Update(3, card, window)
        if window is not None:
            self.states.judged(3, card, window)
        outgoing = tuple(Outgoing(topic, b"key", name.encode()) for topic in topics)
        self.settler.add(Result(lambda: self.done.append(name), outgoing, update))

    async def settle(self) -> None:
        """Settle all that was added."""
        async with running(self.settler):
            await asyncio.wait_for(self.settler.drained(), 5)

    def topics(self) -> list[str]:
        return [sent.topic for sent in self.publisher.sent]

    def analyse(
        self, offset: int, key: bytes | None = b"card-1", value: bytes | None = None, **changes: Any
    ) -> Result[CardWindow]:
        if value is None:
            value = self.transactions.encode(record(transactionId=f"t-{offset}", **changes))
        headers = (("a", b"b"), ("a", None))
        record_read = Incoming("transactions", 3, offset, key, value, headers, timestamp_ms=NOON_MS + 1)
        return self.analyst.analyse(record_read, lambda: None)


@contextlib.asynccontextmanager
async def running(settler: Settler[CardWindow]) -> Any:
    task = asyncio.create_task(settler.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def window(offset: int) -> CardWindow:
    return CardWindow(applied_offset=offset, judged=offset + 1)


async def test_notifications_and_dead_letters_come_before_states_and_states_before_acknowledging() -> None:
    bench = Bench()
    bench.add("a", NOTIFICATIONS, SIGHTINGS, window=window(0))
    bench.add("b", DEAD_LETTERS)
    await bench.settle()
    assert bench.topics() == [NOTIFICATIONS, SIGHTINGS, DEAD_LETTERS, CARDS_CHANGELOG]
    assert bench.done == ["a", "b"]


@pytest.mark.parametrize("broken", [NOTIFICATIONS, DEAD_LETTERS, CARDS_CHANGELOG])
async def test_a_failed_send_ends_the_settler_and_acknowledges_nothing(broken: str) -> None:
    bench = Bench(fail_on=lambda outgoing: outgoing.topic == broken)
    bench.add("a", NOTIFICATIONS, DEAD_LETTERS, window=window(0))
    with pytest.raises(OSError, match="is away"):
        await asyncio.wait_for(bench.settler.run(), 5)
    assert bench.done == []
    if broken != CARDS_CHANGELOG:
        assert CARDS_CHANGELOG not in bench.topics()
    bench.states.drop_unsettled()
    assert bench.states.window(3, "card") == CardWindow()


async def test_only_the_newest_state_of_a_card_in_a_batch_is_written_to_its_partition() -> None:
    bench = Bench()
    for offset in range(5):
        bench.add(str(offset), window=window(offset))
    bench.add("other", window=window(9), card="other")
    await bench.settle()
    written = {sent.key: bench.codec.decode(sent.value or b"") for sent in bench.publisher.sent}
    assert written == {b"card": window(4), b"other": window(9)}
    assert {sent.partition for sent in bench.publisher.sent} == {3}


async def test_a_state_newer_than_the_batch_is_not_written_with_it() -> None:
    bench = Bench()
    bench.add("a", window=window(0))
    bench.states.judged(3, "card", window(1))
    await bench.settle()
    assert bench.codec.decode(bench.publisher.sent[0].value or b"") == window(0)
    assert bench.states.window(3, "card") == window(1)


async def test_a_replayed_record_is_acknowledged_and_nothing_is_written() -> None:
    bench = Bench()
    bench.add("a")
    await bench.settle()
    assert (bench.done, bench.publisher.sent) == (["a"], [])


async def test_more_results_wait_until_there_is_room() -> None:
    bench = Bench(max_unsettled=2)
    bench.add("a")
    bench.add("b")
    waiting = asyncio.create_task(bench.settler.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    await bench.settle()
    await asyncio.wait_for(waiting, 5)


async def test_a_settler_that_is_stuck_says_for_how_long() -> None:
    bench = Bench()
    bench.now = 100.0
    assert bench.settler.behind_s() == 0
    bench.add("a")
    bench.now = 130.0
    assert bench.settler.behind_s() == 30
    await bench.settle()
    assert bench.settler.behind_s() == 0


def test_of_two_states_in_the_changelog_the_one_with_the_higher_offset_stays() -> None:
    bench = Bench()
    for offset in (4, 7, 5):
        bench.states.restored(3, "card", bench.codec.encode(window(offset)))
    assert bench.states.window(3, "card") == window(7)


async def test_a_state_that_an_older_one_follows_is_written_again_once() -> None:
    bench = Bench()
    for card, offsets in {"outlived": (4, 7, 5), "overtaken": (4, 7, 5, 9), "in order": (1, 2, 2)}.items():
        for offset in offsets:
            bench.states.restored(3, card, bench.codec.encode(window(offset)))
    assert await bench.settler.write_again() == 1
    assert bench.publisher.sent == [Outgoing(CARDS_CHANGELOG, b"outlived", bench.codec.encode(window(7)), partition=3)]
    assert await bench.settler.write_again() == 0


def test_a_card_on_two_partitions_has_two_states() -> None:
    bench = Bench()
    bench.states.restored(3, "card", bench.codec.encode(window(7)))
    assert bench.states.window(4, "card") == CardWindow()


def test_partitions_that_are_taken_away_are_forgotten() -> None:
    bench = Bench()
    bench.states.restored(3, "card", bench.codec.encode(window(7)))
    bench.states.restored(4, "card", bench.codec.encode(window(8)))
    bench.states.keep([4])
    assert bench.states.window(3, "card") == CardWindow()
    assert bench.states.count() == 1


async def test_a_flagged_transaction_becomes_one_notification_with_its_card_as_key() -> None:
    bench = Bench()
    results = [bench.analyse(offset, eventTime=NOON_MS + offset, merchantId=f"m-{offset}") for offset in range(5)]
    assert [len(result.outgoing) for result in results] == [0, 0, 0, 0, 1]
    assert (results[4].outgoing[0].topic, results[4].outgoing[0].key) == (NOTIFICATIONS, b"card-1")
    assert bench.metrics.flagged._value.get() == 1
    assert bench.metrics.judged._value.get() == 5


def test_what_only_the_shadow_would_flag_goes_to_its_topic_and_alerts_nobody() -> None:
    bench = Bench(shadow=frozenset({"velocity"}))
    results = [bench.analyse(offset, eventTime=NOON_MS + offset, merchantId=f"m-{offset}") for offset in range(5)]
    assert [[sent.topic for sent in result.outgoing] for result in results] == [[], [], [], [], [SHADOW]]
    assert results[4].outgoing[0].key == b"card-1"
    assert bench.metrics.flagged._value.get() == 0
    assert bench.metrics.shadow_findings.labels("velocity")._value.get() == 1
    assert bench.states.window(3, "card-1").flagged == 0


def test_a_transaction_above_the_cards_habit_is_sighted_with_its_terminal_as_key() -> None:
    bench = Bench()
    for offset in range(3):
        bench.analyse(offset, eventTime=NOON_MS + offset * 3_600_000)
    result = bench.analyse(3, eventTime=NOON_MS + 4 * 3_600_000, amountMinor=4_000)
    assert [(out.topic, out.key) for out in result.outgoing] == [(SIGHTINGS, b"terminal-1")]
    assert bench.states.window(3, "card-1").sighted == 1
    assert bench.metrics.sighted._value.get() == 1


async def test_a_record_that_was_applied_already_changes_nothing() -> None:
    bench = Bench()
    first = bench.analyse(5)
    again = bench.analyse(5)
    assert first.update is not None
    assert (again.update, again.outgoing) == (None, ())
    assert bench.metrics.replayed._value.get() == 1


def test_late_and_duplicate_records_are_counted_in_the_card_and_in_the_metrics() -> None:
    bench = Bench()
    bench.analyse(0, eventTime=NOON_MS)
    bench.analyse(1, eventTime=NOON_MS - 3_600_001)
    bench.analyse(2, value=bench.transactions.encode(record(transactionId="t-0")))
    card = bench.states.window(3, "card-1")
    assert (card.judged, card.late, card.duplicate) == (1, 1, 1)
    assert (bench.metrics.late._value.get(), bench.metrics.duplicates._value.get()) == (1, 1)


def test_a_bad_record_becomes_a_dead_letter_with_its_bytes_headers_time_and_reason() -> None:
    bench = Bench()
    result = bench.analyse(8, b"k", b"not avro")
    letter = result.outgoing[0]
    assert (letter.topic, letter.key, letter.value) == (DEAD_LETTERS, b"k", b"not avro")
    assert letter.timestamp_ms == NOON_MS + 1
    assert letter.headers[:2] == (("a", b"b"), ("a", None))
    headers = dict(letter.headers)
    assert headers[PREFIX + "offset"] == b"8"
    assert headers[PREFIX + "partition"] == b"3"
    assert b"framing" in (headers[PREFIX + "exception.message"] or b"")
    assert result.update is None


def test_a_good_record_between_bad_ones_keeps_the_worker_going() -> None:
    bench = Bench()
    for offset in range(0, 12, 3):
        bench.analyse(offset, value=b"bad")
        bench.analyse(offset + 1, value=b"bad")
        bench.analyse(offset + 2)
    assert bench.metrics.dead_letters._value.get() == 8


def test_too_many_bad_records_in_a_row_stop_the_worker_with_the_reason() -> None:
    bench = Bench()
    bench.analyse(0, value=b"bad")
    bench.analyse(1, value=b"bad")
    with pytest.raises(UserError, match=r"3 records in a row were bad, the last because .* framing"):
        bench.analyse(2, value=b"bad")


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


async def test_an_unknown_schema_is_reported_once_and_then_asked_for_again() -> None:
    cache = SchemaCache(Registry(UnknownSchemaError("schema 7 is unknown"), "schema").lookup, no_wait)
    await cache.fetch(7)
    with pytest.raises(BadRecordError, match="unknown"):
        cache.definition(7)
    with pytest.raises(SchemaNeededError):
        cache.definition(7)
    await cache.fetch(7)
    assert cache.definition(7) == "schema"


async def test_refused_credentials_end_the_waiting() -> None:
    cache = SchemaCache(Registry(UserError("refused")).lookup, no_wait)
    with pytest.raises(UserError, match="refused"):
        await cache.fetch(7)
