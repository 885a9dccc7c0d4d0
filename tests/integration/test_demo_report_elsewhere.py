"""`python -m demo report` on a suite that runs elsewhere."""

from __future__ import annotations

import json

import pytest

from schemas import aws, topics
from schemas.codec import Encoder, definition
from tests.harness import Stack, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("bus")]


def test_a_suite_that_has_done_nothing_balances(stack: Stack) -> None:
    service = stack.start("demo", "report")
    assert service.wait(60) == 0, service.log
    assert "The ledger balances." in service.log


def test_a_transaction_that_nobody_judged_is_found_and_named(stack: Stack) -> None:
    stack.produce(topics.TRANSACTIONS, b"card", b"lost", partition=3)
    service = stack.start("demo", "report", "--wait", "1")
    assert service.wait(60) == 1, service.log
    assert "still at work after 1 s" in service.log
    assert "partition 3: 1 in, 0 out" in service.log
    assert "does NOT balance" in service.log


def test_a_registry_that_is_away_is_named_with_what_to_check(stack: Stack) -> None:
    service = stack.start("demo", "report", "--wait", "1", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert service.wait(120) == 1, service.log
    assert "Check AWS_ENDPOINT_URL" in service.log


def test_of_two_states_of_a_card_the_one_that_has_applied_more_counts(stack: Stack) -> None:
    version = stack.registry.version_id(topics.CARDS_CHANGELOG, definition("card_state"))
    states = Encoder("card_state", version)
    newer, older = card_state(applied=1, judged=2), card_state(applied=0, judged=1)
    for offset in range(2):
        stack.produce(topics.TRANSACTIONS, b"card", b"record %d" % offset, partition=5)
    for state in (newer, older):  # as written by a worker that was thought dead
        stack.produce(topics.CARDS_CHANGELOG, b"card", states.encode(state), partition=5)
    service = stack.start("demo", "report", "--wait", "1")
    service.wait(60)
    assert "2 transactions in = 2 judged" in service.log


def test_an_event_without_a_notification_id_comes_from_nowhere(stack: Stack) -> None:
    detail = json.dumps({"value": {"eventType": "suspiciousActivity", "source": "transactionAnalyzer"}})
    entry = {
        "Source": "test",
        "DetailType": "kafka-connect-notifications",
        "Detail": detail,
        "EventBusName": "cardwatch",
    }
    aws.client("events").put_events(Entries=[entry])
    wait_until(lambda: stack.webhook.events and stack.log_events(), what="the event")
    service = stack.start("demo", "report", "--wait", "1")
    assert service.wait(60) == 1, service.log
    assert "delivered from nowhere: event 1, without a notification id" in service.log


def test_queues_hold_afterwards_what_they_held_before(stack: Stack) -> None:
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName="cardwatch-cases")["QueueUrl"]
    for _ in range(12):
        sqs.send_message(QueueUrl=url, MessageBody="{}")
    for _ in range(2):
        service = stack.start("demo", "report", "--wait", "0")
        service.wait(60)
        assert "12 distinct events at the queue" in service.log


def card_state(*, applied: int, judged: int) -> dict[str, object]:
    zero = dict.fromkeys(("flagged", "late", "duplicate", "amountCount"), 0)
    empty: dict[str, object] = {name: [] for name in ("countries", "devices", "recent")}
    return {"appliedOffset": applied, "judged": judged, "amountMean": 0.0, "amountM2": 0.0, **zero, **empty}
