"""What PutTargets refuses, and the parts of API destinations that need no network."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus import targets
from eventbus.targets import authorization, endpoint
from eventbus.targets.http_call import seconds
from eventbus.targets.pace import Pace
from eventbus.targets.webhook_request import UnfitValueError, prepare
from tests.eventbus_examples import BUS, ROLE, SCOPE, a_connection, a_destination, a_target, outgoing

STREAM = SCOPE.arn("stream/s", "kinesis")
FIFO = SCOPE.arn("cases.fifo", "sqs")
QUEUE = SCOPE.arn("cases", "sqs")
ABROAD = f"arn:aws:events:us-east-1:{'9' * 12}:event-bus/b"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"Arn": "not-an-arn"}, "Parameter not-an-arn is not valid. Reason: Provided Arn is not in correct format."),
        ({"Arn": STREAM}, f"RoleArn is required for target {STREAM}."),
        ({"Arn": STREAM, "RoleArn": "x"}, "Parameter RoleArn is not valid. Reason: Provided Arn is not in correct"),
        ({"Arn": SCOPE.arn("deliverystream/d", "firehose")}, "RoleArn is required"),
        ({"Arn": SCOPE.arn("stateMachine:m", "states")}, "RoleArn is required"),
        ({"Arn": SCOPE.arn("api-destination/a/1")}, "RoleArn is required"),
        ({"Arn": ABROAD}, "RoleArn is required"),
        ({"Arn": FIFO}, "Parameter(s) SqsParameters must be specified for target: t."),
        ({"Arn": FIFO, "SqsParameters": {"MessageGroupId": ""}}, "Parameter(s) MessageGroupId must be specified"),
        ({"Arn": QUEUE, "SqsParameters": {"MessageGroupId": "x" * 101}}, "MessageGroupId is not valid"),
        ({"Arn": QUEUE, "KinesisParameters": {"PartitionKeyPath": "$.id"}}, "KinesisParameters not supported"),
        ({"Arn": STREAM, "RoleArn": ROLE, "SqsParameters": {"MessageGroupId": "g"}}, "SqsParameters not supported"),
        ({"Arn": STREAM, "RoleArn": ROLE, "KinesisParameters": {}}, "PartitionKeyPath must be specified"),
        ({"Arn": ABROAD, "RoleArn": ROLE, "InputPath": "$.detail"}, "InputPath is not available"),
        ({"Arn": SCOPE.arn("cluster/c", "ecs"), "EcsParameters": {}}, "ecs is not a supported service for a target"),
        ({"Arn": QUEUE, "DeadLetterConfig": {"Arn": SCOPE.arn("news", "sns")}}, "not the ARN of an SQS queue"),
        ({"Arn": QUEUE, "DeadLetterConfig": {"Arn": FIFO}}, "must be a standard queue"),
        (
            {
                "Arn": SCOPE.arn("api-destination/a/1"),
                "RoleArn": ROLE,
                "HttpParameters": {"HeaderParameters": {"Host": "x", "X-A": "1"}},
            },
            "Host can't be set",
        ),
    ],
)
def test_a_target_that_cannot_work_is_refused(spec: Mapping[str, Any], reason: str) -> None:
    found = targets.problem({"Id": "t", **spec}, SCOPE.account)
    assert found is not None
    assert reason in found


@pytest.mark.parametrize(
    "spec",
    [
        {"Arn": QUEUE, "DeadLetterConfig": {"Arn": QUEUE}},
        {"Arn": QUEUE, "SqsParameters": {"MessageGroupId": "fair"}},
        {"Arn": FIFO, "SqsParameters": {"MessageGroupId": "g"}},
        {"Arn": STREAM, "RoleArn": ROLE, "KinesisParameters": {"PartitionKeyPath": "$.id"}},
        {"Arn": BUS},
        {"Arn": ABROAD, "RoleArn": ROLE},
        {"Arn": SCOPE.arn("log-group:/a:*", "logs")},
        {"Arn": SCOPE.arn("function:f", "lambda"), "Input": "{}"},
        {"Arn": SCOPE.arn("api-destination/a/1"), "RoleArn": ROLE, "HttpParameters": {"HeaderParameters": {"X": "1"}}},
    ],
)
def test_a_target_that_can_work_is_taken(spec: Mapping[str, Any]) -> None:
    assert targets.problem({"Id": "t", **spec}, SCOPE.account) is None


def test_without_the_rules_account_a_bus_needs_no_role() -> None:
    assert targets.problem({"Id": "t", "Arn": ABROAD}) is None


def test_a_rate_lets_a_tenth_of_a_second_go_at_once_and_then_one_by_one() -> None:
    pace = Pace(per_second=100)
    assert [pace.take(50.0) for _ in range(10)] == [0.0] * 10
    assert pace.take(50.0) == pytest.approx(0.01)
    assert pace.take(50.01) == 0
    assert pace.take(50.01) == pytest.approx(0.01)


@given(rate=st.integers(1, 1_000), gaps=st.lists(st.floats(0, 0.05), min_size=1, max_size=300))
def test_a_rate_is_never_exceeded_by_more_than_its_burst(rate: int, gaps: list[float]) -> None:
    pace, now, went = Pace(rate), 100.0, 0
    for gap in gaps:
        now += gap
        went += pace.take(now) == 0
    assert went <= max(rate / 10, 1) + (now - 100.0) * rate + 1e-6


@pytest.mark.parametrize(
    ("header", "waits"),
    [
        ("3", 3.0),
        (" 0 ", 0.0),
        ("-5", -5.0),
        ("9" * 30, 86_400.0),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("1.5", None),
        ("", None),
        ("tomorrow", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_date(header: str, waits: float | None) -> None:
    assert seconds(header, datetime(2026, 1, 1, tzinfo=UTC)) == waits


def test_a_request_that_takes_nothing_from_the_event_is_prepared_once() -> None:
    connection, destination, target = a_connection(), a_destination("http://h/p"), a_target("x")
    prepared = prepare(target, destination, connection, authorization.headers(connection))
    first, second = prepared.request(outgoing(0)), prepared.request(outgoing(1))
    assert first.url is second.url
    assert first.headers is second.headers
    assert first.body != second.body
    assert prepared.fits(target, destination, connection)
    assert not prepared.fits(target, destination, a_connection())


def test_get_sends_no_body() -> None:
    connection = a_connection()
    prepared = prepare(a_target("x"), a_destination("http://h/*", "GET"), connection, {})
    request = prepared.request(outgoing())
    assert (request.method, request.body, str(request.url)) == ("GET", None, "http://h/*")


@pytest.mark.parametrize(
    ("endpoint", "value", "goes_to"),
    [
        ("http://h/p/*/x/*", "..", None),
        ("http://h/p/*/x/*", ".", None),
        ("http://h/p/.*/x", ".", None),
        ("http://h/p/%2e*/x", ".", None),
        ("http://h/p/*.", ".", None),
        ("http://h/p/*/x", "../..", "http://h/p/..%2F../x"),
        ("http://h/p/*/x", "%2e%2e", "http://h/p/%252e%252e/x"),
        ("http://h/p/*/x", "...", "http://h/p/.../x"),
        ("http://h/a*/x", "..", "http://h/a../x"),
        ("http://h/p?q=*", "..&r=1", "http://h/p?q=..%26r%3D1"),
    ],
)
def test_a_value_of_the_event_calls_no_other_path(endpoint: str, value: str, goes_to: str | None) -> None:
    target = a_target("x", HttpParameters={"PathParameterValues": ["$.detail.id", "lit"]})
    prepared = prepare(target, a_destination(endpoint), a_connection(), {})
    sent = outgoing(fields={"detail": {"id": value}})
    if goes_to is None:
        with pytest.raises(UnfitValueError, match="another path"):
            prepared.request(sent)
    else:
        assert str(prepared.request(sent).url) == goes_to


def test_a_payload_that_is_nested_too_deeply_for_the_connections_parameters_goes_as_it_is() -> None:
    auth = {"InvocationHttpParameters": {"BodyParameters": [{"Key": "a", "Value": "b"}]}}
    prepared = prepare(a_target("x"), a_destination("http://h/"), a_connection(auth), {})
    deep = "[" * 100_000 + "]" * 100_000
    assert prepared.request(outgoing(payload=deep)).body == deep.encode()


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://example.com/*/a?b=*", True),
        ("HTTP://[::1]:80/", True),
        ("http", False),
        ("ftp://example.com", False),
        ("http:///path", False),
        ("http://h:99999/", False),
        ("http://[::1/", False),
        ("https://*.example.com/", False),
    ],
)
def test_an_endpoint_is_an_address_that_can_be_called(url: str, fine: bool) -> None:  # noqa: FBT001 - a parameter
    assert (endpoint.problem(url) is None) == fine


def test_nothing_that_holds_secrets_shows_them() -> None:
    connection = a_connection()
    prepared = prepare(a_target("x"), a_destination("http://h/"), connection, authorization.headers(connection))
    assert "open-sesame" not in repr(prepared) + repr(prepared.request(outgoing()))
