"""The notifier as a process, on a real broker, against the local event bus."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest

from schemas import aws
from schemas.codec import Encoder
from tests.harness import PATIENCE, RunningService, Stack, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("bus")]

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
                "evidence": "6 purchases in 58 s, limit 4",
                "observed": 6.0,
                "threshold": 4.0,
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


def ops_port(service: RunningService) -> int:
    lines = map(json.loads, service.log.splitlines())
    return next(int(line["port"]) for line in lines if line["event"] == "ops")


def health(service: RunningService) -> tuple[int, dict[str, str]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{ops_port(service)}/health", timeout=PATIENCE * 60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def ready(service: RunningService) -> bool:
    return '"ops"' in service.log and health(service)[0] == HTTPStatus.OK


def metric(service: RunningService, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{ops_port(service)}/metrics", timeout=PATIENCE * 60) as answer:
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


def put(detail: dict[str, Any], detail_type: str = "kafka-connect-notifications") -> dict[str, str]:
    source = "kafka-connect.cardwatch"
    return {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "EventBusName": "cardwatch"}


def test_the_routing_rule_lets_suspicious_activities_through_and_nothing_else(
    stack: Stack, encode: Callable[[dict[str, Any]], bytes]
) -> None:
    others = [notification(2, eventType="goodActivity"), notification(3, source="somebodyElse")]
    for other in others:
        stack.produce(NOTIFICATIONS, b"card_1", encode(other))
    stack.produce(NOTIFICATIONS, b"card_1", None)
    service = stack.start("notifier", "run", NOTIFIER_SESSION_TIMEOUT_S="6")
    service.until(lambda _: ready(service))
    wait_until(lambda: metric(service, "cardwatch_notifier_entries_put_total") == 3, what="the others to be put")
    aws.client("events").put_events(
        Entries=[
            put({"value": notification(4)}, "kafka-connect-transactions"),
            put({"value": notification(5)["eventDetail"]}),
            put(notification(6)),
        ]
    )
    stack.produce(NOTIFICATIONS, b"card_1", encode(notification(1)))
    wait_until(stack.log_events, what="the suspicious activity")
    assert ids(stack.log_events()) == [str(UUID(int=1))]


def test_health_says_when_the_notifier_is_ready(stack: Stack) -> None:
    stack.broker.pause()
    service = stack.start("notifier", "run", NOTIFIER_SESSION_TIMEOUT_S="6", KAFKA_CONNECT_TIMEOUT_S="600")
    service.until(lambda log: '"ops"' in log)
    assert health(service) == (503, {"status": "unhealthy", "reason": "starting: broker or sink not reached yet"})
    stack.broker.resume()
    service.until(lambda _: health(service) == (200, {"status": "ok"}))


def accepted(stack: Stack) -> int:
    """Return how many events the bus has taken for the log group."""
    with urllib.request.urlopen(f"{stack.bus.url}/_bus/targets", timeout=PATIENCE * 60) as answer:
        targets = json.load(answer)["targets"]
    return sum(each["delivered"] + each["pending"] for each in targets if each["target"] == "log-group")


def test_a_killed_notifier_loses_nothing(stack: Stack, encode: Callable[[dict[str, Any]], bytes]) -> None:
    def produce(numbers: range) -> None:
        for number in numbers:
            stack.produce(NOTIFICATIONS, f"card_{number % 20}".encode(), encode(notification(number)))

    produce(range(1300))
    first = stack.start("notifier", "run", NOTIFIER_SESSION_TIMEOUT_S="6")
    wait_until(lambda: accepted(stack) > 0, what="the first events")
    first.kill()
    produce(range(1300, 1500))  # whatever it has done, it was not all
    stack.start("notifier", "run", NOTIFIER_SESSION_TIMEOUT_S="6")
    wait_until(lambda: len(set(ids(stack.log_events()))) == 1500, what="every notification")
