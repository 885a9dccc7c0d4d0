"""Senders of AWS targets with recorded calls: what they ask for, and what they make of the answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from eventbus import targets
from eventbus.arn import Scope
from eventbus.model import Bus, Target
from eventbus.ports import Intake, Outcome, Outgoing, Sender
from eventbus.store import StorageError
from eventbus.targets.aws_json import CallFailedError
from eventbus.targets.base import Tools
from eventbus.targets.event_bus import EventBusSender
from eventbus.targets.log_group import LogGroupSender
from eventbus.targets.outcomes import failed, from_code, from_error
from eventbus.targets.queue import FifoQueueSender, QueueSender
from eventbus.targets.recording import (
    ListedResources,
    RecordingAwsCalls,
    RecordingClients,
    RecordingIntake,
    refusal,
)
from eventbus.targets.state_machine import StateMachineSender, execution_name
from eventbus.targets.stream import StreamSender
from eventbus.targets.threads import Threads
from eventbus.targets.topic import TopicSender
from tests.eventbus_examples import BUS, SCOPE, TIME_MS, a_rule, a_target, an_event, outgoing
from tests.harness import wait_until


@dataclass
class Bench:
    """A sender's tools, all recording."""

    clients: RecordingClients = field(default_factory=RecordingClients)
    aws: RecordingAwsCalls = field(default_factory=RecordingAwsCalls)
    intake: RecordingIntake = field(default_factory=RecordingIntake)
    directory: ListedResources = field(default_factory=ListedResources)
    now_ms: int = TIME_MS

    def tools(self) -> Tools:
        def put() -> Intake:
            return self.intake

        def no_http() -> Any:
            raise AssertionError("no HTTP in a unit test")

        return Tools(self.directory, self.clients, Threads(1), self.aws, no_http, put, clock_ms=lambda: self.now_ms)


async def send(sender: Sender, target: Target, *batch: Outgoing) -> list[Outcome]:
    return list(await sender.send(a_rule(target), target, batch, troubled=False))


QUEUE = a_target(SCOPE.arn("cases", "sqs"))
URL = {"QueueUrl": "http://sqs/cases"}


async def test_a_queue_fails_for_single_messages_in_their_places() -> None:
    bench = Bench()
    bench.aws.answers["GetQueueUrl"] = [URL]
    refused = [
        {"Id": "2", "SenderFault": False, "Code": "InternalError", "Message": "later"},
        {"Id": "0", "SenderFault": True, "Code": "InvalidMessageContents"},
    ]
    bench.aws.answers["SendMessageBatch"] = [{"Failed": refused}]
    first, second, third = await send(QueueSender(bench.tools()), QUEUE, *[outgoing(n, str(n)) for n in range(3)])
    assert (first.error_code, first.retry) == ("INVALID_PARAMETER", False)
    assert second.delivered
    assert (third.error_code, third.retry) == ("ERROR_FROM_TARGET", True)
    assert third.error_message == "InternalError: later"
    (sent,) = bench.aws.called("SendMessageBatch")
    assert sent["QueueUrl"] == "http://sqs/cases"
    assert sent["Entries"] == [{"Id": str(n), "MessageBody": str(n)} for n in range(3)]


async def test_a_queues_url_is_asked_once_and_again_after_an_error() -> None:
    bench = Bench()
    bench.aws.answers["GetQueueUrl"] = [URL, URL]
    away = CallFailedError(failed("NO_RESOURCE", "gone", retry=False))
    bench.aws.answers["SendMessageBatch"] = [{}, {}, away, {}]
    sender = QueueSender(bench.tools())
    outcomes = [(await send(sender, QUEUE, outgoing()))[0].delivered for _ in range(4)]
    assert outcomes == [True, True, False, True]
    assert len(bench.aws.called("GetQueueUrl")) == 2


async def test_a_fifo_queue_gets_one_call_at_a_time_with_the_targets_group() -> None:
    bench = Bench()
    bench.aws.answers["GetQueueUrl"] = [URL]
    target = a_target(SCOPE.arn("cases.fifo", "sqs"), SqsParameters={"MessageGroupId": "g"})
    sender = FifoQueueSender(bench.tools())
    await send(sender, target, outgoing())
    assert bench.aws.called("SendMessageBatch")[0]["Entries"][0]["MessageGroupId"] == "g"
    assert sender.concurrency == 1


async def test_each_region_has_its_own_client() -> None:
    bench = Bench()
    for region in ("eu-central-1", "us-east-1"):
        await send(TopicSender(bench.tools()), a_target(Scope("123456789012", region).arn("news", "sns")), outgoing())
    assert [(service, region) for service, region, _, _ in bench.clients.calls] == [
        ("sns", "eu-central-1"),
        ("sns", "us-east-1"),
    ]


async def test_a_throttled_record_of_a_stream_is_tried_again_alone() -> None:
    bench = Bench()
    throttled = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"}
    bench.clients.answers["put_records"] = [{"Records": [{"SequenceNumber": "1"}, throttled]}]
    outcomes = await send(
        StreamSender(bench.tools()), a_target(SCOPE.arn("stream/s", "kinesis")), outgoing(), outgoing(1)
    )
    assert outcomes[0].delivered
    assert (outcomes[1].error_code, outcomes[1].retry) == ("THROTTLING", True)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("$.detail.customer.id", "c 1/ü"),
        ("$.detail.lines[1]", '{"sku": "b"}'),
        ("$.detail.none", an_event().id),
        ("$.region", SCOPE.region),
    ],
)
async def test_the_partition_key_stands_at_a_path_of_the_event_or_is_its_id(path: str, key: str) -> None:
    bench = Bench()
    bench.clients.answers["put_records"] = [{"Records": [{}]}]
    target = a_target(SCOPE.arn("stream/s", "kinesis"), KinesisParameters={"PartitionKeyPath": path})
    await send(StreamSender(bench.tools()), target, outgoing(payload="transformed"))
    (record,) = bench.clients.called("put_records")[0]["Records"]
    assert json.dumps(record["PartitionKey"]) == json.dumps(key)
    assert record["Data"] == b"transformed"


@pytest.fixture
def _in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


GROUP = a_target(SCOPE.arn("log-group:/aws/events/shop:*", "logs"))


async def test_a_log_stream_is_made_when_it_is_missing() -> None:
    bench = Bench()
    bench.clients.answers["put_log_events"] = [refusal("ResourceNotFoundException")]
    bench.clients.answers["create_log_stream"] = [refusal("ResourceAlreadyExistsException")]
    assert (await send(LogGroupSender(bench.tools()), GROUP, outgoing()))[0].delivered
    assert [name for _, _, name, _ in bench.clients.calls] == ["put_log_events", "create_log_stream", "put_log_events"]
    put = bench.clients.called("put_log_events")[1]
    assert (put["logGroupName"], put["logStreamName"]) == ("/aws/events/shop", "shop/orders/t")
    assert put["logEvents"] == [{"timestamp": TIME_MS, "message": an_event().body}]


async def test_log_events_go_in_order_of_time_a_day_a_call() -> None:
    bench = Bench()
    times = ["2026-01-01T12:00:00Z", "2025-12-30T00:00:00Z", "2026-01-01T01:00:00Z", "2025-11-01T00:00:00Z"]
    batch = [outgoing(n, str(n), fields={"time": time}) for n, time in enumerate(times)]
    bench.now_ms = TIME_MS + 12 * 3_600_000
    outcomes = await send(LogGroupSender(bench.tools()), GROUP, *batch)
    assert all(outcome.delivered for outcome in outcomes)
    days = [[each["message"] for each in call["logEvents"]] for call in bench.clients.called("put_log_events")]
    assert days == [["1"], ["2", "0", "3"]]  # the last lies too far back: it gets the time of now


async def test_log_events_that_the_group_rejects_fail_in_their_places() -> None:
    bench = Bench()
    bench.clients.answers["put_log_events"] = [{"rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1}}]
    late = outgoing(0, fields={"time": "2026-01-01T00:00:05Z"})
    outcomes = await send(LogGroupSender(bench.tools()), GROUP, late, outgoing(1))
    assert [(outcome.error_code, outcome.retry) for outcome in outcomes] == [("", True), ("INVALID_PARAMETER", False)]


@pytest.mark.parametrize(
    ("payload", "entry"),
    [
        ('{"timestamp":1767225601000,"message":"hello"}', {"timestamp": TIME_MS + 1_000, "message": "hello"}),
        (
            '{"timestamp":"2026-01-01T00:00:02Z","message":{"a":1}}',
            {"timestamp": TIME_MS + 2_000, "message": '{"a": 1}'},
        ),
        (
            '{"timestamp":"2026-01-01T00:00:02","message":"no zone"}',
            {"timestamp": TIME_MS + 2_000, "message": "no zone"},
        ),
        ("only text", {"timestamp": TIME_MS, "message": "only text"}),
    ],
)
@pytest.mark.usefixtures("_in_new_york")
async def test_a_transformer_gives_time_and_message_of_a_log_event(payload: str, entry: Mapping[str, Any]) -> None:
    bench = Bench()
    target = a_target(GROUP.arn, InputTransformer={"InputTemplate": "..."})
    await send(LogGroupSender(bench.tools()), target, outgoing(payload=payload))
    assert bench.clients.called("put_log_events")[0]["logEvents"] == [entry]


async def test_an_execution_of_that_name_counts_as_started() -> None:
    bench = Bench()
    bench.clients.answers["start_execution"] = [refusal("ExecutionAlreadyExists"), refusal("InvalidExecutionInput")]
    target = a_target(SCOPE.arn("stateMachine:m", "states"))
    sender = StateMachineSender(bench.tools())
    assert (await send(sender, target, outgoing()))[0].delivered
    assert (await send(sender, target, outgoing()))[0].error_code == "INVALID_PARAMETER"


def test_an_execution_is_named_after_event_target_and_replay() -> None:
    target, other = a_target(SCOPE.arn("stateMachine:m", "states")), a_target("x", "other")
    names = {
        execution_name(a_rule(), target, outgoing()),
        execution_name(a_rule(), target, outgoing()),
        execution_name(a_rule(), other, outgoing()),
        execution_name(a_rule(name="second"), target, outgoing()),
        execution_name(a_rule(), target, outgoing(replay="again")),
    }
    assert len(names) == 4
    assert all(name.startswith(an_event().id) and len(name) <= 80 for name in names)


@pytest.mark.parametrize(
    ("error", "code", "retry"),
    [
        (ReadTimeoutError(endpoint_url="http://x"), "TIMEOUT", True),
        (EndpointConnectionError(endpoint_url="http://x"), "CONNECTION_FAILURE", True),
        (NoCredentialsError(), "SDK_CLIENT_ERROR", True),
        (ValueError("Invalid endpoint: x"), "SDK_CLIENT_ERROR", True),
        (KeyError("Records"), "INTERNAL_ERROR", True),
        (refusal("ThrottlingException"), "THROTTLING", True),
        (refusal("AWS.SimpleQueueService.NonExistentQueue"), "NO_RESOURCE", False),
        (refusal("UnrecognizedClientException"), "NO_PERMISSIONS", False),
        (refusal("KMSAccessDeniedException"), "NO_PERMISSIONS", False),
        (refusal("ValidationException"), "INVALID_PARAMETER", False),
        (refusal("LimitExceededException"), "RESOURCE_LIMIT_EXCEEDED", True),
        (refusal("InternalFailure", status=500), "ERROR_FROM_TARGET", True),
    ],
)
async def test_trouble_becomes_an_outcome_in_eventbridges_codes(error: Exception, code: str, retry: bool) -> None:  # noqa: FBT001 - a parameter
    bench = Bench()
    bench.clients.answers["publish_batch"] = [error]
    for outcome in await send(TopicSender(bench.tools()), a_target(SCOPE.arn("n", "sns")), outgoing(), outgoing(1)):
        assert (outcome.error_code, outcome.retry) == (code, retry)
    assert from_error(error).error_code == code


def test_a_long_error_message_is_cut() -> None:
    assert len(from_code("ValidationException", "x" * 10_000).error_message) == 500


OTHER = SCOPE.bus("other")
ABROAD = Scope("999999999999", "us-east-1").bus("partner")


def bus(arn: str, policy: Mapping[str, Any] | None = None) -> Bus:
    return Bus(arn, arn.rpartition("/")[2], 0, 0, policy=policy)


async def test_another_bus_gets_the_event_as_it_is_one_hop_further() -> None:
    bench = Bench(directory=ListedResources([bus(OTHER)]), now_ms=TIME_MS + 9)
    event = an_event(only_rules=frozenset({"x"}), replay="again")
    assert (await send(EventBusSender(bench.tools()), a_target(OTHER), Outgoing(event, "transformed")))[0].delivered
    (put,) = bench.intake.accepted
    assert (put.id, put.body, put.bus_arn, put.hops, put.replay) == (event.id, event.body, OTHER, 1, "again")
    assert (put.accepted_ms, put.only_rules) == (TIME_MS + 9, None)


async def test_a_forwarded_event_goes_on_to_no_third_bus_but_its_neighbours_go() -> None:
    bench = Bench(directory=ListedResources([bus(OTHER)]))
    first, second = await send(EventBusSender(bench.tools()), a_target(OTHER), outgoing(0, hops=1), outgoing(1))
    assert (first.error_code, first.retry) == ("THIRD_ACCOUNT_HOP_DETECTED", False)
    assert second.delivered
    assert [event.id for event in bench.intake.accepted] == [an_event(1).id]


async def test_a_missing_bus_is_not_tried_again_and_a_full_disk_is() -> None:
    bench = Bench()
    (missing,) = await send(EventBusSender(bench.tools()), a_target(OTHER), outgoing())
    assert (missing.error_code, missing.retry) == ("NO_RESOURCE", False)
    bench = Bench(directory=ListedResources([bus(OTHER)]), intake=RecordingIntake(error=StorageError("full")))
    (full,) = await send(EventBusSender(bench.tools()), a_target(OTHER), outgoing())
    assert (full.error_code, full.retry) == ("INTERNAL_ERROR", True)


def allowing(**condition: Any) -> Mapping[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{SCOPE.account}:root"}}
    return {"Statement": [{**statement, "Action": "events:PutEvents", "Resource": ABROAD, **condition}]}


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (None, "NO_PERMISSIONS"),
        (allowing(), ""),
        (allowing(Condition={"StringEquals": {"events:source": "shop.orders"}}), ""),
        (allowing(Condition={"StringEquals": {"events:source": ["else", "other"]}}), "NO_PERMISSIONS"),
        (allowing(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:events:*:rule/shop/*"}}), ""),
        (allowing(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), "NO_PERMISSIONS"),
    ],
)
async def test_a_bus_of_another_account_must_let_this_one_in(policy: Mapping[str, Any] | None, code: str) -> None:
    bench = Bench(directory=ListedResources([bus(ABROAD, policy)]))
    (outcome,) = await send(EventBusSender(bench.tools()), a_target(ABROAD), outgoing())
    assert outcome.error_code == code
    assert len(bench.intake.accepted) == (not code)


async def test_each_kind_finds_its_sender_and_nothing_else_has_one() -> None:
    senders = targets.senders(ListedResources(), RecordingClients())
    arns = {
        SCOPE.arn("cases", "sqs"): "QueueSender",
        SCOPE.arn("cases.fifo", "sqs"): "FifoQueueSender",
        SCOPE.arn("log-group:/a", "logs"): "LogGroupSender",
        SCOPE.arn("news", "sns"): "TopicSender",
        SCOPE.arn("stream/s", "kinesis"): "StreamSender",
        SCOPE.arn("deliverystream/d", "firehose"): "FirehoseSender",
        SCOPE.arn("function:f:live", "lambda"): "FunctionSender",
        SCOPE.arn("stateMachine:m", "states"): "StateMachineSender",
        SCOPE.arn("api-destination/a/1"): "ApiDestinationSender",
        BUS: "EventBusSender",
        SCOPE.arn("cluster/c", "ecs"): "NoneType",
        SCOPE.arn("archive/a"): "NoneType",
        "no arn": "NoneType",
    }
    assert {arn: type(senders.of(a_target(arn))).__name__ for arn in arns} == arns
    await senders.close()


async def test_the_clients_of_targets_are_made_before_an_event_needs_them() -> None:
    clients = RecordingClients()
    senders = targets.senders(ListedResources(), clients)
    arns = [
        "arn:aws:sqs:eu-central-1:123456789012:one",
        "arn:aws:sqs:eu-central-1:123456789012:two",
        "arn:aws:states:us-east-1:123456789012:stateMachine:s",
        "arn:aws:events:eu-central-1:123456789012:event-bus/other",
    ]
    senders.prepare(Target(arn, arn, {}) for arn in arns)
    wait_until(lambda: len(clients.asked) == 2, what="two clients")
    await senders.close()
    assert sorted(clients.asked) == [("sqs", "eu-central-1"), ("stepfunctions", "us-east-1")]
