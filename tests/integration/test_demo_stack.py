"""The harness itself: every other integration test stands on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from confluent_kafka import Producer

from demo.provision import provision
from demo.queues import Queue
from schemas import aws, topics
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
