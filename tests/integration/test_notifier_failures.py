"""What the notifier does when the bus, the registry, the broker or the user fails it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, cast

import pytest
from confluent_kafka import Message, Producer

from schemas.dead_letter import Header, Origin, error_headers, origin, reason
from schemas.errors import BadRecordError
from tests.harness import PATIENCE, RunningService, Stack, wait_until
from tests.integration.test_notifier_delivery import NOTIFICATIONS, encode, metric, notification

__all__ = ["encode"]

pytestmark = pytest.mark.integration

Answer = tuple[int, dict[str, Any]]
Encode = Callable[[dict[str, Any]], bytes]


@dataclass
class Bus:
    """An EventBridge that answers what it is told to, call by call, and takes everything afterwards."""

    put: list[Answer | str] = field(default_factory=list)
    describe: list[Answer] = field(default_factory=list)
    calls: list[list[dict[str, str]]] = field(default_factory=list)
    accepted: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    largest: int = 1024 * 1024
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def answer(self, operation: str, request: dict[str, Any]) -> Answer:
        if operation == "DescribeEventBus":
            return self.describe.pop(0) if self.describe else (200, {"Name": request["Name"]})
        entries = request["Entries"]
        self.calls.append(entries)
        if any(len(entry["Detail"]) > self.largest for entry in entries):
            return refused("RequestEntityTooLarge", 413)
        scripted = self.put.pop(0) if self.put else ""
        if isinstance(scripted, tuple):
            return scripted
        if scripted:  # the code with which the first entry is refused
            results: list[dict[str, str]] = [{"ErrorCode": scripted, "ErrorMessage": "scripted"}]
        else:
            results = []
        taken = entries[len(results) :]
        self.accepted += taken
        results += [{"EventId": str(next(self._ids))} for _ in taken]
        return 200, {"FailedEntryCount": len(entries) - len(taken), "Entries": results}

    def numbers(self) -> list[int]:
        details = [json.loads(entry["Detail"]) for entry in self.accepted]
        return [int(detail["value"]["eventDetail"]["userId"].removeprefix("user_")) for detail in details]


@pytest.fixture
def bus() -> Iterator[Bus]:
    state = Bus()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            with lock:
                status, body = state.answer(operation, request)
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()


def headers(message: Message) -> list[Header]:
    return cast("list[Header]", message.headers() or [])


def refused(code: str, status: int = 400) -> Answer:
    return status, {"__type": code, "message": f"scripted {code}"}


def start(stack: Stack, bus: Bus, **env: str) -> RunningService:
    # The embedded broker holds a join for half the session timeout; 6 s is the least that Apache Kafka takes.
    settings = {
        "NOTIFIER_SESSION_TIMEOUT_S": "6",
        "NOTIFIER_BACKOFF_BASE_S": "0.05",
        "NOTIFIER_BACKOFF_CAP_S": "0.2",
        "NOTIFIER_DRAIN_TIMEOUT_S": "2",
    }
    endpoint = {"AWS_ENDPOINT_URL_EVENTBRIDGE": f"http://127.0.0.1:{bus.port}"}
    return stack.start("notifier", "run", **(endpoint | settings | env))


def produce(stack: Stack, encode: Encode, numbers: range, key: bytes | None = None) -> None:
    for number in numbers:
        stack.produce(NOTIFICATIONS, key or f"card_{number}".encode(), encode(notification(number)))


def test_the_detail_is_the_connectors_text_to_the_byte(stack: Stack, bus: Bus, encode: Encode) -> None:
    at = stack.produce(NOTIFICATIONS, None, encode(notification(7)), headers=[("yes", b"true"), ("d", b"1.50")])
    timestamp = stack.records(NOTIFICATIONS)[0].timestamp()[1]
    start(stack, bus)
    wait_until(lambda: bus.accepted, what="the entry")
    assert bus.accepted[0] == {
        "Source": "kafka-connect.cardwatch",
        "DetailType": "kafka-connect-notifications",
        "EventBusName": "cardwatch",
        "Detail": f'{{"topic":"notifications","partition":{at.partition},"offset":{at.offset},"timestamp":{timestamp},'
        '"timestampType":"CreateTime","headers":[{"yes":true},{"d":1.5}],"key":null,"value":'
        '{"source":"transactionAnalyzer","eventType":"suspiciousActivity","eventDetail":{"userId":"user_7",'
        '"total":195.0,"notificationId":"00000000-0000-0000-0000-000000000007","transactionId":"tx_7",'
        '"cardId":"card_7","cardLastFour":"4242","totalMinor":19500,"currency":"EUR","merchantName":"Café Zażółć",'
        '"country":"DE","eventTime":1684841916831,"detectionTime":1684841916999,"score":0.9,"findings":[{"rule":'
        '"velocity","reason":"many in a short time","evidence":"6 purchases in 58 s, limit 4","observed":6.0,'
        '"threshold":4.0,"score":0.9}],"analyzerVersion":"0.1.0"}}}',
    }


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "AccessDeniedException"])
def test_refused_credentials_stop_the_notifier_with_the_cause(
    stack: Stack, bus: Bus, encode: Encode, code: str
) -> None:
    bus.describe, bus.put = [refused(code)], [refused(code)] * 8
    produce(stack, encode, range(1))
    service = start(stack, bus)
    assert service.wait(60) == 2
    last = service.log.splitlines()[-1]
    assert last.startswith("error: EventBridge refuses these credentials for bus 'cardwatch'")
    assert code in last
    assert "AWS_ACCESS_KEY_ID" in last
    assert "Traceback" not in service.log
    assert stack.records("notifications.dlq") == []


def test_credentials_that_may_not_describe_the_bus_are_no_reason_to_stop(
    stack: Stack, bus: Bus, encode: Encode
) -> None:
    bus.describe = [refused("AccessDeniedException")]
    produce(stack, encode, range(1))
    service = start(stack, bus)
    wait_until(lambda: bus.accepted, what="the entry")
    assert "bus not checked" in service.log


def test_a_missing_bus_is_named_with_its_remedy(stack: Stack) -> None:
    stack.bus.start()
    service = stack.start("notifier", "run", NOTIFIER_BUS="elsewhere")
    assert service.wait(60) == 2
    last = service.log.splitlines()[-1]
    assert last == "error: event bus 'elsewhere' does not exist: create it, or name another in NOTIFIER_BUS"


def test_a_busy_bus_is_tried_again_until_it_answers(stack: Stack, bus: Bus, encode: Encode) -> None:
    bus.put = [refused("InternalFailure", 500), refused("ServiceUnavailable", 503), refused("ThrottlingException")] * 3
    produce(stack, encode, range(5))
    service = start(stack, bus)
    wait_until(lambda: sorted(bus.numbers()) == list(range(5)), what="all entries")
    wait_until(lambda: metric(service, "cardwatch_notifier_entries_put_total") == 5, what="the answers to be counted")
    assert metric(service, "cardwatch_notifier_retries_total") >= 9
    assert stack.records("notifications.dlq") == []


def test_a_throttled_entry_is_put_again_before_the_next_of_its_key(stack: Stack, bus: Bus, encode: Encode) -> None:
    bus.put = ["ThrottlingException", "InternalFailure", "", "ThrottlingException"]
    produce(stack, encode, range(6), key=b"card_1")
    start(stack, bus)
    wait_until(lambda: len(bus.accepted) == 6, what="all entries")
    assert bus.numbers() == list(range(6))


def test_a_refused_entry_becomes_a_dead_letter_and_redrive_brings_it_back_once(
    stack: Stack, bus: Bus, encode: Encode
) -> None:
    bus.put = ["MalformedDetail"]
    value = encode(notification(1))
    at = stack.produce(NOTIFICATIONS, b"card_1", value, headers=[("own", b"1"), ("own", b"2")], partition=5)
    service = start(stack, bus)
    wait_until(lambda: stack.records("notifications.dlq"), what="the dead letter")
    letter = stack.records("notifications.dlq")[0]
    assert (letter.key(), letter.value()) == (b"card_1", value)
    found = origin(headers(letter))
    assert found is not None
    assert (found.topic, found.partition, found.offset) == (NOTIFICATIONS, 5, at.offset)
    assert reason(headers(letter)) == "refused as MalformedDetail: scripted"

    dry = stack.start("notifier", "redrive", "--dry-run")
    assert dry.wait() == 0
    assert "1 dead letters would go back to notifications" in dry.log
    real = stack.start("notifier", "redrive")
    assert real.wait() == 0, real.log
    again = stack.start("notifier", "redrive")
    assert again.wait() == 0, again.log
    assert "nothing to put back" in again.log
    wait_until(lambda: bus.numbers() == [1], what="the entry, put back")
    _, back = stack.records(NOTIFICATIONS)
    assert (back.key(), back.value(), back.partition()) == (b"card_1", value, 5)
    assert back.headers() == [("own", b"1"), ("own", b"2")]
    wait_until(
        lambda: metric(service, "cardwatch_notifier_dead_letters_total") == 1, what="the dead letter to be counted"
    )


def test_redrive_brings_back_every_letter_of_a_batch(stack: Stack) -> None:
    producer = Producer({**stack.kafka.librdkafka(), "linger.ms": 500})
    for offset in range(20):
        letter = error_headers([], Origin("transactions", 4, offset), "analyzer", BadRecordError("no good"))
        producer.produce("transactions.dlq", b"%d" % offset, headers=list(letter))
    assert producer.flush(PATIENCE * 30) == 0
    for limit, told in (("--limit=7", "7 dead"), ("--limit=100", "13 dead"), ("--limit=100", "nothing to put back")):
        redrive = stack.start("notifier", "redrive", "--topic", "transactions.dlq", limit)
        assert redrive.wait() == 0, redrive.log
        assert f"transactions.dlq: {told}" in redrive.log
    back = [(record.partition(), record.value()) for record in stack.records("transactions")]
    assert back == [(4, b"%d" % offset) for offset in range(20)]


def test_bad_records_become_dead_letters_and_the_rest_arrives(stack: Stack, bus: Bus, encode: Encode) -> None:
    good = encode(notification(1))
    unknown = good[:2] + bytes(16) + good[18:]
    bad = [b"", b"not avro", b"\x03", good[:40], good + b"x", unknown, b"\x00\x00\x00\x00\x01abc"]
    for value in bad:
        stack.produce(NOTIFICATIONS, b"card_1", value, partition=3)
    stack.produce(NOTIFICATIONS, b"card_1", None, partition=3)
    stack.produce(NOTIFICATIONS, None, good, partition=3)
    start(stack, bus)
    wait_until(lambda: len(bus.accepted) == 2, what="the tombstone and the good record")
    details = [json.loads(entry["Detail"]) for entry in bus.accepted]
    assert {detail["offset"]: detail["value"] is None for detail in details} == {7: True, 8: False}
    wait_until(lambda: len(stack.records("notifications.dlq")) >= len(bad), what="the dead letters")
    letters = stack.records("notifications.dlq")
    assert [letter.value() for letter in letters] == bad
    assert all(reason(headers(letter)) for letter in letters)


def test_too_many_dead_letters_in_a_row_stop_the_notifier(stack: Stack, bus: Bus) -> None:
    for _ in range(5):
        stack.produce(NOTIFICATIONS, b"card_1", b"poison", partition=0)
    service = start(stack, bus, NOTIFIER_MAX_DEAD_LETTERS_IN_A_ROW="3")
    assert service.wait(60) == 2
    assert "error: 3 records in a row became dead letters" in service.log
    assert len(stack.records("notifications.dlq")) == 3
    start(stack, bus)
    wait_until(lambda: len(stack.records("notifications.dlq")) == 5, what="the rest, and nothing twice")


def test_an_entry_over_the_limit_becomes_a_dead_letter_alone(stack: Stack, bus: Bus, encode: Encode) -> None:
    large = notification(2)
    large["eventDetail"]["merchantName"] = "x" * 600_000
    bus.largest = 500_000
    for number, value in enumerate((notification(0), large, notification(1))):
        stack.produce(NOTIFICATIONS, f"card_{number}".encode(), encode(value), partition=0)
    start(stack, bus)
    wait_until(lambda: len(stack.records("notifications.dlq")) + len(bus.accepted) == 3, what="all three")
    letter = stack.records("notifications.dlq")[0]
    assert letter.value() == encode(large)
    assert "HTTP 413" in reason(headers(letter))
    assert sorted(bus.numbers()) == [0, 1]


def test_a_record_of_the_greatest_size_becomes_a_dead_letter_in_spite_of_its_headers(stack: Stack, bus: Bus) -> None:
    value = bytes(999_800)
    stack.produce(NOTIFICATIONS, b"card", value, partition=0)
    start(stack, bus)
    wait_until(lambda: stack.records("notifications.dlq"), what="the dead letter")
    assert [letter.value() for letter in stack.records("notifications.dlq")] == [value]


def test_a_bus_that_is_away_at_start_is_waited_for_and_then_given_up(stack: Stack) -> None:
    closed = Bus(port=1)
    service = start(stack, closed, NOTIFIER_CONNECT_TIMEOUT_S="1")
    assert service.wait(60) == 1
    assert service.log.splitlines()[-1].startswith("error: EventBridge can't be reached")


def test_a_stop_finishes_what_was_begun_and_the_next_repeats_nothing(stack: Stack, bus: Bus, encode: Encode) -> None:
    produce(stack, encode, range(30))
    first = start(stack, bus, NOTIFIER_DRAIN_TIMEOUT_S="120")
    wait_until(lambda: bus.accepted, what="the first entries")
    first.terminate()
    assert first.wait(60) == 0
    produce(stack, encode, range(30, 35))
    start(stack, bus)
    wait_until(lambda: len(bus.accepted) >= 35, what="all entries")
    assert sorted(bus.numbers()) == list(range(35))


def test_a_stop_ends_in_time_even_while_the_bus_fails(stack: Stack, bus: Bus, encode: Encode) -> None:
    bus.put = [refused("InternalFailure", 500)] * 100_000
    produce(stack, encode, range(3))
    service = start(stack, bus, NOTIFIER_DRAIN_TIMEOUT_S="0.5")
    wait_until(lambda: len(bus.calls) >= 3, what="some tries")
    service.terminate()
    assert service.wait(30) == 0
    bus.put = []
    start(stack, bus)
    wait_until(lambda: sorted(set(bus.numbers())) == [0, 1, 2], what="all entries")


def test_a_registry_that_is_away_is_waited_for_and_makes_no_dead_letters(
    stack: Stack, bus: Bus, encode: Encode
) -> None:
    produce(stack, encode, range(3))
    # Nothing listens on the reserved port 1; the test's Glue comes back by a restart with the right address.
    service = start(stack, bus, AWS_ENDPOINT_URL_GLUE="http://127.0.0.1:1")
    service.until(lambda log: log.count("waiting for a peer") >= 2)
    assert bus.calls == []
    service.terminate()
    assert service.wait(60) == 0
    start(stack, bus)
    wait_until(lambda: sorted(bus.numbers()) == [0, 1, 2], what="all entries")
    assert stack.records("notifications.dlq") == []


def test_a_broker_that_falls_silent_for_a_while_loses_nothing(stack: Stack, bus: Bus, encode: Encode) -> None:
    produce(stack, encode, range(5))
    start(stack, bus)
    wait_until(lambda: len(bus.accepted) == 5, what="the first entries")
    stack.broker.pause()
    threading.Event().wait(3)  # the outage itself, not a wait for something
    stack.broker.resume()
    produce(stack, encode, range(5, 10))
    wait_until(lambda: set(bus.numbers()) == set(range(10)), what="all entries")


def test_two_notifiers_share_the_partitions_and_a_dead_ones_are_taken_over(
    stack: Stack, bus: Bus, encode: Encode
) -> None:
    first, second = start(stack, bus), start(stack, bus)
    second.until(lambda log: '"assigned"' in log)
    first.until(lambda log: '"assigned"' in log)
    produce(stack, encode, range(40))
    wait_until(lambda: set(bus.numbers()) == set(range(40)), what="the first entries")
    first.kill()
    produce(stack, encode, range(40, 80))
    wait_until(lambda: set(bus.numbers()) == set(range(80)), what="all entries")


def test_pausing_and_taking_turns_skips_nothing(stack: Stack, bus: Bus, encode: Encode) -> None:
    small = {"NOTIFIER_BUFFER_RECORDS": "3", "NOTIFIER_CALLS_IN_FLIGHT": "2"}
    first = start(stack, bus, **small)
    first.until(lambda log: '"assigned"' in log)
    produce(stack, encode, range(150))
    second = start(stack, bus, **small)
    second.until(lambda log: '"assigned"' in log)
    produce(stack, encode, range(150, 300))
    first.terminate()
    assert first.wait(60) == 0
    produce(stack, encode, range(300, 400))
    wait_until(lambda: set(bus.numbers()) == set(range(400)), what="all entries")


def test_an_unknown_sink_and_a_malformed_setting_are_named(stack: Stack) -> None:
    unknown = stack.start("notifier", "run", NOTIFIER_SINK="pigeon")
    assert unknown.wait() == 2
    assert "NOTIFIER_SINK is 'pigeon'; known are eventbridge, stdout" in unknown.log
    malformed = stack.start("notifier", "run", NOTIFIER_CALLS_IN_FLIGHT="none")
    assert malformed.wait() == 2
    assert "NOTIFIER_CALLS_IN_FLIGHT is 'none'" in malformed.log


def test_the_stdout_sink_writes_a_line_an_entry(stack: Stack, encode: Encode) -> None:
    produce(stack, encode, range(2), key=b"card_1")
    service = stack.start("notifier", "run", NOTIFIER_SINK="stdout")
    service.until(lambda log: log.count("kafka-connect.cardwatch") == 2)
    lines = [json.loads(line) for line in service.log.splitlines() if "detail-type" in line]
    assert [line["detail"]["value"] for line in lines] == [notification(0), notification(1)]
