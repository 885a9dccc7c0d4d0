"""The benchmark's engines on Kafka Streams and Flink say what the scalar core says, also after they were killed."""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import fastavro
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from analyzer.core.detect import Duplicate, Judge, Judged, Late
from analyzer.core.model import Transaction
from analyzer.core.tuning import tuned
from analyzer.core.window import CardWindow
from analyzer.thresholds import PACKAGED
from analyzer.wire import checked, notification
from bench.jvm import build
from demo.process import Child
from demo.records import read_to_end
from producer.presets import make_plan
from producer.timeline import transactions
from schemas import topics
from schemas.codec import Encoder, definition, without_logical_types
from schemas.errors import UserError
from schemas.settings import KafkaSettings
from tests.harness import PATIENCE, make_broker, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.apache]

IDS: Final = {topics.TRANSACTIONS: UUID(int=1), topics.NOTIFICATIONS: UUID(int=2)}
GROUP: Final = "engine"
COUNT: Final = 20_000
HELD_BACK: Final = 500
"""Transactions that are only sent when the engine no longer runs: it can't have done them when it is killed."""
ALERT: Final = 0.5
LATENESS_MS: Final = 3_600_000
MAX_RECENT: Final = 30
STREAMS: Final = pytest.param(build.STREAMS, id="streams")
FLINK: Final = pytest.param(build.FLINK, id="flink")
OWN: Final = ("detectionTime", "analyzerVersion")


def tables() -> dict[str, dict[str, Any]]:
    """Return rules of which each alone is enough to alert."""
    found = tomllib.loads(PACKAGED.read_text())
    for name in ("velocity", "amount_outlier", "impossible_travel"):
        found[name]["scores"] = [0.5, 0.95]
    found["amount_outlier"] |= {"limit_z": 2.0, "least_amount_minor": 0}
    for name in set(found) - {"alert", "sighting", "velocity", "amount_outlier", "impossible_travel"}:
        found[name]["enabled"] = False
    return found


def rules_json() -> str:
    told = {name: table for name, table in tables().items() if "scores" in table}
    limits = {"alert_threshold": ALERT, "allowed_lateness_ms": LATENESS_MS, "max_recent": MAX_RECENT}
    return json.dumps({"schemas": {topic: {"id": str(one)} for topic, one in IDS.items()}, **limits, **told})


def stream() -> Iterator[dict[str, Any]]:
    """Yield transactions, some twice, some with one half an hour before them after them, some days too late."""
    rng = random.Random(5)  # noqa: S311 - examples, not secrets
    start_ms = 1_750_000_000_000
    held: list[tuple[int, dict[str, Any]]] = []
    of_seed = transactions(make_plan(3, start_ms, "workshop"))
    for number, (transaction, _) in enumerate(islice(of_seed, COUNT)):
        fields = transaction.record()
        while held and held[0][0] <= number:
            yield held.pop(0)[1]
        chance = rng.random()
        if chance < 0.01:
            held.append((number + 2_000, fields))
            continue
        yield fields
        if chance < 0.02:
            yield fields
        elif chance < 0.03:
            yield fields | {"transactionId": f"before {number}", "eventTime": fields["eventTime"] - 1_800_000}
        elif chance < 0.031:
            for more in range(40):
                at = fields["eventTime"] + rng.randrange(-60_000, 60_000)
                yield fields | {"transactionId": f"more {number}-{more}", "eventTime": at, "amountMinor": 100 + more}


@dataclass(frozen=True, slots=True)
class Known:
    """What is sent, and what the scalar core says of it."""

    sent: list[tuple[str, bytes]]
    expected: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def known() -> Known:
    tuning = tuned(tables())
    judge = Judge(tuning.rules, ALERT, LATENESS_MS, MAX_RECENT)
    assert len(judge.rules) == 3
    encoder = Encoder("transaction", IDS[topics.TRANSACTIONS])
    cards: dict[str, CardWindow] = {}
    known, seen = Known([], {}), dict.fromkeys((Judged, Late, Duplicate), 0)
    for offset, fields in enumerate(stream()):
        transaction: Transaction = checked(fields)
        known.sent.append((transaction.card_id, encoder.encode(fields)))
        window = cards.get(transaction.card_id) or CardWindow()
        cards[transaction.card_id], outcome = judge.judge(window, transaction, offset)
        seen[type(outcome)] += 1
        if isinstance(outcome, Judged) and outcome.verdict.flagged:
            told = notification(transaction, outcome.verdict, None, "")["eventDetail"]  # type: ignore[arg-type] # unused
            known.expected[transaction.transaction_id] = told
    assert all(count > 100 for count in seen.values()), seen
    rules = {finding["rule"] for told in known.expected.values() for finding in told["findings"]}
    assert rules == {"velocity", "amount_outlier", "impossible_travel"}
    return known


@dataclass(frozen=True, slots=True)
class Bench:
    """A broker whose topic of transactions is full, but for the last ones."""

    main: str
    kafka: KafkaSettings
    folder: Path
    rest: list[tuple[str, bytes]]

    def send_rest(self) -> None:
        """Write those too."""
        send(self.kafka, self.rest)

    def engine(self, **more: str) -> Child:
        """Start it and return once it is ready."""
        env = {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "BENCH_TOPIC": topics.TRANSACTIONS,
            "BENCH_OUT": topics.NOTIFICATIONS,
            "BENCH_GROUP": GROUP,
            "BENCH_RULES": str(self.folder / "rules.json"),
            "BENCH_STATE": str(self.folder / "state"),
        }
        log = self.folder / "engine.log"
        before = log.read_text().count("ready\n") if log.exists() else 0
        child = Child("the engine", build.argv(self.main), env=env | more, log=log)

        def ready() -> bool:
            child.require_running()
            return child.text().count("ready\n") > before

        wait_until(ready, what="the engine")
        return child

    def left(self) -> int:
        """Return how many transactions are not committed yet."""
        consumer = Consumer({**self.kafka.librdkafka(), "group.id": GROUP})
        try:
            count = len(consumer.list_topics(topics.TRANSACTIONS).topics[topics.TRANSACTIONS].partitions)
            every = [TopicPartition(topics.TRANSACTIONS, number) for number in range(count)]
            ends = [consumer.get_watermark_offsets(at)[1] for at in every]
            return sum(ends) - committed(consumer, every)
        finally:
            consumer.close()

    def told(self) -> list[dict[str, Any]]:
        """Return what was told, as readers of committed records see it."""
        return [told(message) for message in read_to_end(self.kafka, topics.NOTIFICATIONS)]


def committed(consumer: Consumer, every: list[TopicPartition]) -> int:
    """Return how many transactions are committed; none while the first commit still makes the broker find a place."""
    try:
        return sum(max(0, at.offset) for at in consumer.committed(every))
    except KafkaException as error:
        if error.args[0].code() != KafkaError.NOT_COORDINATOR:
            raise
        return 0


def told(message: Message) -> dict[str, Any]:
    value = message.value() or b""
    assert value[:18] == bytes((3, 0)) + IDS[topics.NOTIFICATIONS].bytes
    schema = without_logical_types(json.loads(definition("notification")))
    record: Any = fastavro.schemaless_reader(BytesIO(value[18:]), schema, None)
    assert (message.key() or b"").decode() == record["eventDetail"]["cardId"]
    assert (record["source"], record["eventType"]) == ("transactionAnalyzer", "suspiciousActivity")
    found: dict[str, Any] = record["eventDetail"]
    return found


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path, known: Known) -> Iterator[Bench]:
    try:
        build.argv(request.param)
    except UserError as error:
        pytest.skip(str(error))
    (tmp_path / "rules.json").write_text(rules_json())
    broker = make_broker(tmp_path / "broker")
    try:
        broker.start()
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        topics.create(kafka, {name: topics.load()[name] for name in IDS}, partitions=4)
        send(kafka, known.sent[:-HELD_BACK])
        yield Bench(request.param, kafka, tmp_path, known.sent[-HELD_BACK:])
    finally:
        broker.stop()


def send(kafka: KafkaSettings, records: list[tuple[str, bytes]]) -> None:
    producer = Producer({**kafka.librdkafka(), "partitioner": "murmur2_random", "linger.ms": 20})
    for key, value in records:
        producer.produce(topics.TRANSACTIONS, value, key)
    assert producer.flush(PATIENCE * 60) == 0


def assert_same(found: list[dict[str, Any]], expected: dict[str, dict[str, Any]]) -> None:
    assert {one["transactionId"] for one in found} == expected.keys()
    for one in found:
        assert plain(one) == approximately(plain(expected[one["transactionId"]]))


def plain(detail: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if name not in OWN}


def approximately(detail: dict[str, Any]) -> dict[str, Any]:
    """Return it with room for the last bits of logarithms and sines, which differ between machines."""
    findings = [
        {name: pytest.approx(value, rel=1e-9) if isinstance(value, float) else value for name, value in one.items()}
        for one in detail["findings"]
    ]
    return detail | {"score": pytest.approx(detail["score"], rel=1e-9), "findings": findings}


def ended(child: Child, done: Callable[[], object], what: str) -> None:
    wait_until(done, what=what)
    child.terminate()
    assert child.wait(PATIENCE * 30) == 0, child.text()


def killed_on_the_way(bench: Bench, known: Known) -> list[dict[str, Any]]:
    """Kill an engine after its first commit, start it again, and return what it told in both lives."""
    first = bench.engine(BENCH_COMMIT_MS="100")
    wait_until(lambda: bench.left() < len(known.sent) - HELD_BACK, what="a commit")
    first.kill()
    bench.send_rest()
    assert bench.left() >= HELD_BACK
    ended(bench.engine(), lambda: not bench.left(), "the end of the topic")
    return bench.told()


@pytest.mark.parametrize("bench", [STREAMS, FLINK], indirect=True)
def test_an_engine_tells_what_the_scalar_core_tells_each_once(bench: Bench, known: Known) -> None:
    bench.send_rest()
    child = bench.engine()
    ended(child, lambda: not bench.left(), "the end of the topic")
    found = bench.told()
    assert len(found) == len(known.expected)
    assert_same(found, known.expected)


@pytest.mark.parametrize("bench", [STREAMS], indirect=True)
def test_kafka_streams_tells_each_once_also_when_killed_on_the_way(bench: Bench, known: Known) -> None:
    found = killed_on_the_way(bench, known)
    assert len(found) == len(known.expected)
    assert_same(found, known.expected)


@pytest.mark.parametrize("bench", [FLINK], indirect=True)
def test_flink_may_tell_twice_and_counts_nothing_twice_when_killed_on_the_way(bench: Bench, known: Known) -> None:
    assert_same(killed_on_the_way(bench, known), known.expected)


@pytest.mark.parametrize("bench", [FLINK], indirect=True)
def test_flink_goes_on_from_its_last_checkpoint(bench: Bench, known: Known) -> None:
    first = bench.engine()
    wait_until(lambda: not bench.left(), what="the end of what is there")
    first.kill()
    bench.send_rest()
    ended(bench.engine(), lambda: not bench.left(), "the end of the topic")
    found = bench.told()
    assert len(found) == len(known.expected)
    assert_same(found, known.expected)
