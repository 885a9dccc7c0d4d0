"""The harness itself: every other integration test stands on it."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from confluent_kafka import Producer

from demo.collect import Collector
from demo.provision import provision
from demo.queues import Queue
from demo.signals import StopRequestedError, raising
from schemas import aws, topics
from schemas.codec import Decoder
from tests.harness import Stack, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("bus")]

T = TypeVar("T")


def _wait_for(look: Callable[[], list[T]]) -> list[T]:
    found: list[T] = []

    def looked() -> bool:
        found.extend(look())
        return bool(found)

    wait_until(looked, what="an event")
    return found


def _put(detail_type: str, value: dict[str, Any]) -> None:
    entry = {
        "EventBusName": "cardwatch",
        "Source": "kafka-connect.cardwatch",
        "DetailType": detail_type,
        "Detail": json.dumps({"value": value}),
    }
    assert aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_records_come_back_as_they_were_written(stack: Stack) -> None:
    written = [stack.produce(topics.TRANSACTIONS, b"card", bytes([n]), [("n", b"1")], partition=n) for n in range(3)]
    found = stack.records(topics.TRANSACTIONS)
    assert sorted((m.partition(), m.offset()) for m in found) == [(w.partition, w.offset) for w in written]
    assert sorted(bytes(m.value() or b"") for m in found) == [b"\0", b"\1", b"\2"]
    assert all(m.key() == b"card" and m.headers() == [("n", b"1")] for m in found)


def test_a_topic_is_read_to_its_end_also_when_its_last_batch_holds_many_records(stack: Stack) -> None:
    producer = Producer({**stack.kafka.librdkafka(), "linger.ms": 200})
    for number in range(100):
        producer.produce(topics.TRANSACTIONS, str(number).encode(), b"card", 0)
    assert producer.flush(30) == 0
    assert [int(m.value() or b"") for m in stack.records(topics.TRANSACTIONS)] == list(range(100))


class Stopped(Counter[tuple[str, int]]):
    """Counts of records, which Ctrl-C comes before once, when their offset has been noted already."""

    asked = False

    def __setitem__(self, part: tuple[str, int], count: int) -> None:
        if not self.asked:
            self.asked = True
            signal.raise_signal(signal.SIGINT)
        super().__setitem__(part, count)


def test_a_stop_in_the_middle_of_counting_counts_no_record_twice_and_leaves_none_out(stack: Stack) -> None:
    collector = Collector(stack.kafka, Decoder(stack.registry), [])
    collector.records = Stopped()
    try:
        for number in range(60):
            stack.produce(topics.TRANSACTIONS, b"card", bytes([number]), partition=number % 3)
        with raising(), pytest.raises(StopRequestedError):
            collector.catch_up()
        collector.catch_up()
    finally:
        collector.close()
    assert collector.by_partition(topics.TRANSACTIONS) == {0: 20, 1: 20, 2: 20}


def test_the_routing_rule_lets_suspicious_activity_through_and_nothing_else(stack: Stack) -> None:
    suspicious = {"eventType": "suspiciousActivity", "source": "transactionAnalyzer"}
    _put("kafka-connect-transactions", suspicious)
    _put("kafka-connect-notifications", {**suspicious, "eventType": "other"})
    _put("kafka-connect-notifications", {**suspicious, "source": "other"})
    _put("kafka-connect-notifications", suspicious)
    wait_until(stack.log_events, what="the suspicious one")  # the last: those before it would have come by now
    assert [event["detail-type"] for event in stack.log_events()] == ["kafka-connect-notifications"]


def test_an_event_comes_to_log_group_queue_and_webhook_as_it_was_put(stack: Stack) -> None:
    ids = {"notificationId": "n1", "transactionId": "t1"}
    _put(
        "kafka-connect-notifications",
        {"eventType": "suspiciousActivity", "source": "transactionAnalyzer"} | {"eventDetail": ids},
    )
    cases = Queue(aws.client("sqs"), "cardwatch-cases")
    assert [each.notification_id for each in _wait_for(stack.webhook.reader())] == ["n1"]
    assert [each.transaction_id for each in _wait_for(cases.new)] == ["t1"]
    (event,) = _wait_for(stack.log_events)
    assert event["detail"]["value"]["eventDetail"] == ids


@pytest.mark.usefixtures("stack")
def test_provisioning_again_changes_nothing() -> None:
    first: list[str] = []
    provision(first.append)
    second: list[str] = []
    provision(second.append)
    assert first == second
    assert all("kept" in line for line in first if line.startswith("topic"))
    targets = aws.client("events").list_targets_by_rule(Rule="suspicious-activity", EventBusName="cardwatch")
    assert [target["Id"] for target in targets["Targets"]] == ["log-group", "queue", "webhook"]


def test_a_bus_that_is_killed_comes_back_on_its_port_with_its_rules_and_what_it_had_accepted(stack: Stack) -> None:
    stack.webhook.go_out(3_600)
    value = {
        "eventType": "suspiciousActivity",
        "source": "transactionAnalyzer",
        "eventDetail": {"notificationId": "n1"},
    }
    _put("kafka-connect-notifications", value)
    stack.bus.child.kill()
    stack.webhook.go_out(0)
    stack.bus.start()
    wait_until(lambda: stack.webhook.distinct == 1, what="the event that was accepted before")


def test_a_hung_broker_answers_again_when_it_is_woken(stack: Stack) -> None:
    stack.broker.pause()
    stack.broker.resume()
    stack.produce(topics.LABELS, b"k", b"v")
    assert len(stack.records(topics.LABELS)) == 1


def test_a_service_that_is_killed_is_gone(stack: Stack) -> None:
    service = stack.start("http.server", "--bind", "127.0.0.1", "0")
    service.kill()
    assert service.wait() == -9
