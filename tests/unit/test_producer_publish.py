"""Nothing that was sent is lost in silence."""

from __future__ import annotations

from itertools import count

import pytest
from confluent_kafka import KafkaError
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from producer.metrics import Metrics
from producer.publish import FakeKafka, Publisher
from schemas.errors import UnavailableError
from schemas.topics import LABELS, TRANSACTIONS

LOST = KafkaError(KafkaError._MSG_TIMED_OUT, "Local: Message timed out")


class Bench:
    """A publisher on a fake client; its clock goes on by a second each time it is read."""

    def __init__(self, *, room: int = 1_000_000) -> None:
        self.kafka = FakeKafka(room=room)
        self.stopping = False
        self.registry = CollectorRegistry()
        seconds = count()
        self.publisher = Publisher(
            self.kafka.open,
            (TRANSACTIONS, LABELS),
            Metrics(self.registry),
            stopping=lambda: self.stopping,
            drain_timeout_s=10,
            clock=lambda: float(next(seconds)),
        )

    def send(self, records: int, topic: str = TRANSACTIONS) -> None:
        for i in range(records):
            self.publisher.send(topic, f"key-{i}".encode(), b"value")

    def metric(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"cardwatch_producer_{name}")


def test_acknowledged_records_are_counted_by_topic() -> None:
    bench = Bench()
    bench.send(3)
    bench.send(2, LABELS)
    bench.publisher.flush()
    assert bench.publisher.acknowledged == {TRANSACTIONS: 3, LABELS: 2}
    assert (bench.metric("transactions_total"), bench.metric("labels_total")) == (3, 2)
    assert bench.metric("queue_messages") == 0


def test_a_record_goes_out_with_its_key_and_value() -> None:
    bench = Bench()
    bench.publisher.send(LABELS, b"key", b"value")
    assert bench.kafka.sent == [(LABELS, b"key", b"value")]


def test_a_full_queue_waits_for_room_and_loses_nothing() -> None:
    bench = Bench(room=2)
    bench.send(50)
    bench.publisher.flush()
    assert [key for _, key, _ in bench.kafka.sent] == [f"key-{i}".encode() for i in range(50)]
    assert bench.publisher.acknowledged[TRANSACTIONS] == 50


def test_a_failed_delivery_is_counted_logged_and_ends_in_an_error() -> None:
    bench = Bench()
    bench.kafka.refuse = LOST
    with capture_logs() as logs:
        bench.send(1)
    assert [entry["event"] for entry in logs] == ["delivery failed"]
    assert logs[0]["key"] == "key-0"
    bench.kafka.refuse = None
    bench.send(5)
    with pytest.raises(UnavailableError, match=r"1 records were not acknowledged.*timed out"):
        bench.publisher.flush()
    assert bench.metric("delivery_failures_total") == 1
    assert bench.publisher.acknowledged[TRANSACTIONS] == 5


def test_many_failures_are_all_counted_but_not_all_logged() -> None:
    bench = Bench()
    bench.kafka.refuse = LOST
    with capture_logs() as logs:
        bench.send(500)
    assert bench.publisher.failed == 500
    assert len(logs) == 10


def test_a_broker_that_is_silent_is_warned_about_once_and_its_return_is_told() -> None:
    bench = Bench()
    bench.kafka.away = True
    with capture_logs() as logs:
        bench.send(40)
        assert bench.publisher.problem == "the broker has acknowledged nothing for 5 s"
        bench.kafka.away = False
        bench.send(1)
    assert [entry["event"] for entry in logs] == ["broker away", "broker back"]
    assert bench.publisher.problem is None
    bench.publisher.flush()
    assert bench.publisher.acknowledged[TRANSACTIONS] == 41


def test_an_idle_producer_does_not_think_the_broker_away() -> None:
    bench = Bench()
    bench.send(1)
    for _ in range(20):
        bench.publisher.serve()
    assert bench.publisher.problem is None


def test_after_a_stop_a_broker_that_stays_away_is_given_up_and_what_is_left_counted() -> None:
    bench = Bench()
    bench.kafka.away = bench.stopping = True
    bench.send(3)
    with pytest.raises(UnavailableError, match="3 records were not acknowledged"):
        bench.publisher.flush()
    assert bench.metric("delivery_failures_total") == 3


def test_after_a_stop_a_full_queue_is_not_waited_for_without_end() -> None:
    bench = Bench(room=1)
    bench.kafka.away = bench.stopping = True
    with pytest.raises(UnavailableError, match="no room for the last records: 1 still wait"):
        bench.send(2)


def test_a_fatal_error_of_the_client_stops_the_next_record() -> None:
    bench = Bench()
    bench.send(1)
    bench.kafka.fail(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "not allowed", fatal=True))
    with pytest.raises(UnavailableError, match="can't go on: not allowed"):
        bench.send(1)


def test_a_passing_error_of_the_client_stops_nothing() -> None:
    bench = Bench()
    bench.kafka.fail(KafkaError(KafkaError._ALL_BROKERS_DOWN, "all brokers are down"))
    bench.send(1)
    bench.publisher.flush()
    assert bench.publisher.acknowledged[TRANSACTIONS] == 1


def test_records_sent_together_keep_their_order_and_are_all_counted() -> None:
    bench = Bench(room=3)
    keys = [f"key-{i}".encode() for i in range(20)]
    bench.publisher.send_all(TRANSACTIONS, keys, [b"value"] * 20)
    bench.publisher.flush()
    assert [key for _, key, _ in bench.kafka.sent] == keys
    assert bench.publisher.acknowledged == {TRANSACTIONS: 20}


def test_a_failure_among_records_sent_together_is_told_apart_from_what_was_acknowledged() -> None:
    bench = Bench()
    bench.kafka.refuse = LOST
    with capture_logs():
        bench.publisher.send_all(LABELS, [b"a", b"b"], [b"1", b"2"])
    bench.kafka.refuse = None
    bench.publisher.send_all(LABELS, [b"c"], [b"3"])
    bench.publisher.send_all(TRANSACTIONS, [b"d"], [b"4"])
    with pytest.raises(UnavailableError, match="2 records were not acknowledged"):
        bench.publisher.flush()
    assert bench.publisher.acknowledged == {LABELS: 1, TRANSACTIONS: 1}
    assert (bench.metric("labels_total"), bench.metric("transactions_total")) == (1, 1)
