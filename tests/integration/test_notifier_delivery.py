"""The notifier as a process, on a real broker, against moto's EventBridge."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from schemas.codec import Encoder
from tests.harness import RunningService, Stack, wait_until

pytestmark = pytest.mark.integration

NOTIFICATIONS = "notifications"


def notification(number: int, **changes: Any) -> dict[str, Any]:
    detail = {
        "userId": f"user_{number}",
        "total": 195.0,
        "notificationId": str(UUID(int=number)),
        "transactionId": f"tx_{number}",
        "cardId": f"card_{number % 20}",
        "cardLastFour": "4242",
        "totalMinor": 19500,
        "currency": "EUR",
        "merchantName": "Café Zażółć",
        "country": "DE",
        "eventTime": 1684841916831,
        "detectionTime": 1684841916999,
        "score": 0.9,
        "findings": [
            {
                "rule": "velocity",
                "reason": "many in a short time",
                "evidence": "6 transactions in 58 s, limit 5",
                "observed": 6.0,
                "threshold": 5.0,
                "score": 0.9,
            }
        ],
        "analyzerVersion": "0.1.0",
    }
    return {"source": "transactionAnalyzer", "eventType": "suspiciousActivity", "eventDetail": detail} | changes


@pytest.fixture
def encode(stack: Stack) -> Callable[[dict[str, Any]], bytes]:
    return Encoder.registered("notification", NOTIFICATIONS, stack.registry).encode


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["detail"]["value"]["eventDetail"]["notificationId"] for event in events]


def metric(service: RunningService, name: str) -> float:
    port = next(line["port"] for line in map(json.loads, service.log.splitlines()) if line["event"] == "ops")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


def test_a_notification_arrives_as_the_connector_would_put_it(
    stack: Stack, encode: Callable[[dict[str, Any]], bytes]
) -> None:
    where = stack.produce(NOTIFICATIONS, b"card_1", encode(notification(1)), headers=[("n", b"42"), ("n", b"x")])
    message = stack.records(NOTIFICATIONS)[0]
    stack.start("notifier", "run")
    wait_until(stack.log_events, what="the event")
    event = stack.log_events()[0]
    assert (event["source"], event["detail-type"]) == ("kafka-connect.cardwatch", "kafka-connect-notifications")
    assert list(event["detail"]) == [
        "topic", "partition", "offset", "timestamp", "timestampType", "headers", "key", "value"
    ]  # fmt: skip
    assert event["detail"] == {
        "topic": NOTIFICATIONS,
        "partition": where.partition,
        "offset": where.offset,
        "timestamp": message.timestamp()[1],
        "timestampType": "CreateTime",
        "headers": [{"n": 42}, {"n": "x"}],
        "key": "card_1",
        "value": notification(1),
    }


def test_a_killed_notifier_loses_nothing(stack: Stack, encode: Callable[[dict[str, Any]], bytes]) -> None:
    for number in range(500):
        stack.produce(NOTIFICATIONS, f"card_{number % 20}".encode(), encode(notification(number)))
    first = stack.start("notifier", "run")
    wait_until(lambda: len(stack.log_events()) >= 100, what="a fifth of the events")
    first.kill()
    assert len(set(ids(stack.log_events()))) < 500
    stack.start("notifier", "run")
    wait_until(lambda: len(set(ids(stack.log_events()))) == 500, what="every notification")
