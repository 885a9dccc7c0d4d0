"""The producer as a process on a real broker: nothing is lost, and what is wrong is said in one line."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient

from schemas.codec import Decoder
from schemas.topics import LABELS, TRANSACTIONS
from tests.harness import PATIENCE, RunningService, wait_until

if TYPE_CHECKING:
    from tests.harness import Stack

pytestmark = pytest.mark.integration

AS_FAST_AS_POSSIBLE = ("--rate", "0")


def events(service: RunningService) -> dict[str, dict[str, Any]]:
    """Return the last log entry of each event."""
    entries = (json.loads(line) for line in service.log.splitlines() if line.startswith("{"))
    return {entry["event"]: entry for entry in entries}


def one_line_error(service: RunningService, code: int) -> str:
    """Return the line that says what is wrong, after checking that nothing else is said about it."""
    assert service.wait(60) == code, service.log
    told = [line for line in service.log.splitlines() if not line.startswith("{")]
    assert len(told) == 1, service.log
    assert told[0].startswith("error: ")
    return told[0]


def contents(messages: list[Message]) -> Counter[tuple[int | None, bytes | None, bytes | None]]:
    return Counter((message.partition(), message.key(), message.value()) for message in messages)


def check_sums(stack: Stack, service: RunningService) -> int:
    """Check that the summary is what the topics hold, and each transaction has one label; return how many."""
    done = events(service)["done"]
    made, labels = stack.records(TRANSACTIONS), stack.records(LABELS)
    decoder = Decoder(stack.registry, reader="transaction")
    ids = Counter(decoder.decode(message.value() or b"")["transactionId"] for message in made)
    assert (done["transactions"], done["labels"], done["failed"]) == (len(made), len(labels), 0)
    assert Counter((message.key() or b"").decode() for message in labels) == ids
    assert set(ids.values()) <= {1}
    return len(made)


def test_as_many_transactions_as_asked_for_arrive_with_their_keys_and_labels(stack: Stack) -> None:
    service = stack.start("producer", "run", "--transactions", "1500", *AS_FAST_AS_POSSIBLE)
    assert service.wait(60) == 0, service.log
    assert check_sums(stack, service) == 1_500
    decoder = Decoder(stack.registry)
    for message in stack.records(TRANSACTIONS):
        assert (message.key() or b"").decode() == decoder.decode(message.value() or b"")["cardId"]
    partition_of = {(message.key(), message.partition()) for message in stack.records(TRANSACTIONS)}
    assert len(partition_of) == len({key for key, _ in partition_of}), "a card stays in its partition"


def test_the_order_of_a_card_is_the_order_of_its_partition(stack: Stack) -> None:
    service = stack.start("producer", "run", "--transactions", "1500", "--cards", "20", *AS_FAST_AS_POSSIBLE)
    assert service.wait(60) == 0, service.log
    decoder, last = Decoder(stack.registry, logical_types=False), dict[bytes | None, int]()
    for message in sorted(stack.records(TRANSACTIONS), key=lambda m: (m.partition(), m.offset())):
        at_ms = decoder.decode(message.value() or b"")["eventTime"]
        assert at_ms >= last.get(message.key(), 0)
        last[message.key()] = at_ms
    assert len(last) > 10


def test_two_runs_of_a_seed_write_the_same_bytes(stack: Stack) -> None:
    args = ("producer", "run", "--seed", "42", "--transactions", "400", *AS_FAST_AS_POSSIBLE)
    assert stack.start(*args).wait(60) == 0
    first = {topic: contents(stack.records(topic)) for topic in (TRANSACTIONS, LABELS)}
    assert stack.start(*args).wait(60) == 0
    for topic, once in first.items():
        assert once.total() == 400
        assert contents(stack.records(topic)) == once + once


def test_sigterm_delivers_everything_and_exits_with_0(stack: Stack) -> None:
    service = stack.start("producer", "run", "--rate", "400", PRODUCER_DRAIN_TIMEOUT_S="120")
    wait_until(lambda: len(stack.records(TRANSACTIONS)) > 200, what="some transactions")
    service.terminate()
    assert service.wait(30) == 0, service.log
    assert check_sums(stack, service) > 200


def test_a_broker_that_hangs_in_the_middle_loses_nothing(stack: Stack) -> None:
    # Without an end of its own: the broker hangs in the middle, however long it takes to see that something came.
    small_queue = {"PRODUCER_QUEUE_MESSAGES": "500", "PRODUCER_DRAIN_TIMEOUT_S": "120"}
    service = stack.start("producer", "run", "--rate", "500", **small_queue)
    wait_until(lambda: len(stack.records(TRANSACTIONS)) > 300, what="some transactions")
    stack.broker.pause()
    service.until(lambda log: '"broker away"' in log, timeout=30)
    stack.broker.resume()
    service.until(lambda log: '"broker back"' in log, timeout=30)
    before = len(stack.records(TRANSACTIONS))
    wait_until(lambda: len(stack.records(TRANSACTIONS)) > before, what="more transactions")
    service.terminate()
    assert service.wait(90) == 0, service.log
    assert "Traceback" not in service.log
    assert check_sums(stack, service) > before


def test_a_broker_that_stays_away_after_a_stop_is_told_with_the_number_lost(stack: Stack) -> None:
    service = stack.start("producer", "run", "--rate", "200", PRODUCER_DRAIN_TIMEOUT_S="1")
    wait_until(lambda: len(stack.records(TRANSACTIONS)) > 50, what="some transactions")
    stack.broker.kill()
    service.until(lambda log: '"broker away"' in log, timeout=30)
    service.terminate()
    assert service.wait(30) == 1, service.log
    assert "records were not acknowledged by Kafka" in one_line_error(service, 1)
    assert events(service)["done"]["failed"] > 0


def test_health_and_metrics_are_answered(stack: Stack) -> None:
    service = stack.start("producer", "run", "--rate", "200")
    service.until(lambda log: '"started"' in log)
    address = f"http://127.0.0.1:{events(service)['ops']['port']}"

    def sent() -> float:
        with urllib.request.urlopen(f"{address}/metrics", timeout=PATIENCE * 60) as page:
            values = dict(line.rsplit(" ", 1) for line in page.read().decode().splitlines() if line[0] != "#")
        assert values["cardwatch_producer_delivery_failures_total"] == "0.0"
        return float(values["cardwatch_producer_transactions_total"])

    wait_until(lambda: sent() > 20, what="the counter to grow")
    with urllib.request.urlopen(f"{address}/health", timeout=PATIENCE * 60) as page:
        assert json.load(page) == {"status": "ok"}


def test_a_broker_that_is_away_is_one_line(stack: Stack) -> None:
    away = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "KAFKA_CONNECT_TIMEOUT_S": "1"}
    error = one_line_error(stack.start("producer", "run", **away), 1)
    assert "no Kafka broker answers at 127.0.0.1:1 within 1 s" in error
    assert "KAFKA_BOOTSTRAP_SERVERS" in error


def test_a_malformed_address_is_one_line(stack: Stack) -> None:
    error = one_line_error(stack.start("producer", "run", KAFKA_BOOTSTRAP_SERVERS="localhost"), 2)
    assert "KAFKA_BOOTSTRAP_SERVERS is 'localhost'" in error


def test_a_missing_topic_is_one_line(stack: Stack) -> None:
    admin = AdminClient(stack.kafka.librdkafka())
    admin.delete_topics([LABELS])[LABELS].result(PATIENCE * 30)
    wait_until(lambda: LABELS not in admin.list_topics(timeout=PATIENCE * 10).topics, what="the topic to go")
    error = one_line_error(stack.start("producer", "run"), 2)
    assert "topic labels does not exist: run `python -m schemas topics`" in error


def test_an_unregistered_schema_is_one_line(stack: Stack) -> None:
    stack.aws.reset()
    error = one_line_error(stack.start("producer", "run"), 2)
    assert "run `python -m schemas register`" in error


def test_a_registry_that_is_away_is_one_line(stack: Stack) -> None:
    error = one_line_error(stack.start("producer", "run", AWS_ENDPOINT_URL="http://127.0.0.1:1"), 1)
    assert "the Glue schema registry can't be reached" in error


def test_a_port_that_is_taken_is_one_line(stack: Stack) -> None:
    port = str(stack.broker.port)
    error = one_line_error(stack.start("producer", "run", OPS_PORT=port), 2)
    assert f"can't listen on 127.0.0.1:{port}" in error


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--rate", "-1"), "--rate is '-1'"),
        (("--preset", "casino"), "--preset is 'casino'"),
        (("--rate", "5", "--speed", "60"), "exclude each other"),
    ],
)
def test_a_wrong_option_is_one_line(stack: Stack, options: tuple[str, ...], named: str) -> None:
    assert named in one_line_error(stack.start("producer", "run", *options), 2)


def test_print_needs_no_broker_and_prints_the_same_again(stack: Stack) -> None:
    nowhere = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    printed = [stack.start("producer", "print", "--transactions", "3", "--seed", "9", **nowhere) for _ in range(2)]
    assert [service.wait(30) for service in printed] == [0, 0]
    first, second = (service.log for service in printed)
    assert first == second
    assert [json.loads(line)["topic"] for line in first.splitlines()] == [TRANSACTIONS] * 3 + [LABELS] * 3
