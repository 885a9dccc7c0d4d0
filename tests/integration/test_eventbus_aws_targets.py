"""AWS targets against a real moto server; Lambda, which needs Docker there, against a server that records."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import pytest
from aiohttp import web

from demo.local_aws import LocalAws
from demo.process import free_port
from eventbus import targets
from eventbus.model import Target
from eventbus.ports import Outcome, Outgoing
from eventbus.targets.recording import ListedResources
from eventbus.targets.senders import TargetSenders
from tests.eventbus_examples import ROLE, SCOPE, TIME_MS, a_rule, a_target, an_event, outgoing
from tests.harness import PATIENCE

pytestmark = pytest.mark.integration


@pytest.fixture
def aws(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    local_aws.reset()
    environment(monkeypatch, local_aws.url)
    yield
    local_aws.reset()


def environment(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_DEFAULT_REGION": SCOPE.region,
        "AWS_ENDPOINT_URL": url,
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def senders() -> AsyncIterator[TargetSenders]:
    made = targets.senders(ListedResources())
    yield made
    await made.close()


async def send(senders: TargetSenders, target: Target, *batch: Outgoing, troubled: bool = False) -> list[Outcome]:
    sender = senders.of(target)
    assert sender is not None
    return list(await sender.send(a_rule(target), target, batch or [outgoing(n) for n in range(3)], troubled=troubled))


def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service)


def drained(queue_url: str) -> list[dict[str, Any]]:
    sqs, found = client("sqs"), []
    while messages := sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
    ).get("Messages", []):
        found += messages
    return found


@pytest.mark.usefixtures("aws")
async def test_a_queue_gets_each_event_once(senders: TargetSenders) -> None:
    url = client("sqs").create_queue(QueueName="cases")["QueueUrl"]
    outcomes = await send(senders, a_target(SCOPE.arn("cases", "sqs")), *[outgoing(n) for n in range(10)])
    assert all(outcome.delivered for outcome in outcomes)
    assert sorted(message["Body"] for message in drained(url)) == [an_event(n).body for n in range(10)]


@pytest.mark.usefixtures("aws")
async def test_a_queue_made_anew_is_found_again(senders: TargetSenders) -> None:
    sqs, target = client("sqs"), a_target(SCOPE.arn("cases", "sqs"))
    missing = (await send(senders, target, outgoing()))[0]
    assert (missing.error_code, missing.retry) == ("NO_RESOURCE", False)
    url = sqs.create_queue(QueueName="cases")["QueueUrl"]
    assert (await send(senders, target, outgoing()))[0].delivered
    sqs.delete_queue(QueueUrl=url)
    assert (await send(senders, target, outgoing()))[0].error_code == "NO_RESOURCE"


@pytest.mark.usefixtures("aws")
async def test_a_fifo_queue_gets_the_events_in_order_in_the_targets_group(senders: TargetSenders) -> None:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = client("sqs").create_queue(QueueName="cases.fifo", Attributes=attributes)["QueueUrl"]
    target = a_target(SCOPE.arn("cases.fifo", "sqs"), SqsParameters={"MessageGroupId": "g"})
    assert all(outcome.delivered for outcome in await send(senders, target))
    found = drained(url)
    assert [json.loads(message["Body"])["detail"]["number"] for message in found] == [0, 1, 2]
    assert {message["Attributes"]["MessageGroupId"] for message in found} == {"g"}


@pytest.mark.usefixtures("aws")
async def test_a_fifo_queue_without_deduplication_by_content_refuses(senders: TargetSenders) -> None:
    client("sqs").create_queue(QueueName="strict.fifo", Attributes={"FifoQueue": "true"})
    target = a_target(SCOPE.arn("strict.fifo", "sqs"), SqsParameters={"MessageGroupId": "g"})
    for outcome in await send(senders, target):
        assert (outcome.error_code, outcome.retry) == ("INVALID_PARAMETER", False)


@pytest.mark.usefixtures("aws")
async def test_a_dead_letter_carries_its_attributes(senders: TargetSenders) -> None:
    url = client("sqs").create_queue(QueueName="dlq")["QueueUrl"]
    attributes = {"ERROR_CODE": "TIMEOUT", "ERROR_MESSAGE": "", "RETRY_ATTEMPTS": "3"}
    assert (await senders.dead_letter(SCOPE.arn("dlq", "sqs"), an_event(), attributes)).delivered
    (message,) = drained(url)
    assert message["Body"] == an_event().body
    assert {name: value["StringValue"] for name, value in message["MessageAttributes"].items()} == {
        "ERROR_CODE": "TIMEOUT",
        "RETRY_ATTEMPTS": "3",
    }


@pytest.mark.usefixtures("aws")
async def test_a_missing_dead_letter_queue_is_said(senders: TargetSenders) -> None:
    for arn in (SCOPE.arn("none", "sqs"), "no arn"):
        assert (await senders.dead_letter(arn, an_event(), {})).error_code == "NO_RESOURCE"


@pytest.mark.usefixtures("aws")
async def test_a_log_group_gets_the_events_at_their_times_in_one_stream(senders: TargetSenders) -> None:
    logs, group = client("logs"), "/aws/events/shop"
    logs.create_log_group(logGroupName=group)
    old = outgoing(1, fields={"time": "2001-01-01T00:00:00Z"})
    for arn in (SCOPE.arn(f"log-group:{group}", "logs"), SCOPE.arn(f"log-group:{group}:*", "logs")):
        assert all(outcome.delivered for outcome in await send(senders, a_target(arn), outgoing(0), old))
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert stream["logStreamName"] == "shop/orders/t"
    events = logs.get_log_events(logGroupName=group, logStreamName="shop/orders/t")["events"]
    assert sorted(event["message"] for event in events) == sorted([outgoing(0).payload, old.payload] * 2)
    assert all(event["timestamp"] > TIME_MS for event in events)  # both lie too far back: now stands in


@pytest.mark.usefixtures("aws")
async def test_a_missing_log_group_is_not_tried_again(senders: TargetSenders) -> None:
    for outcome in await send(senders, a_target(SCOPE.arn("log-group:/none", "logs"))):
        assert (outcome.error_code, outcome.retry) == ("NO_RESOURCE", False)


@pytest.mark.usefixtures("aws")
async def test_a_topic_passes_the_events_on_to_its_queue(senders: TargetSenders) -> None:
    url = client("sqs").create_queue(QueueName="subscribed")["QueueUrl"]
    topic = client("sns").create_topic(Name="news")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=SCOPE.arn("subscribed", "sqs"))
    assert all(outcome.delivered for outcome in await send(senders, a_target(topic)))
    assert sorted(json.loads(message["Body"])["Message"] for message in drained(url)) == [
        an_event(n).body for n in range(3)
    ]
    (missing,) = await send(senders, a_target(SCOPE.arn("none", "sns")), outgoing())
    assert (missing.error_code, missing.retry) == ("NO_RESOURCE", False)


@pytest.mark.usefixtures("aws")
async def test_a_stream_gets_the_events_under_the_key_at_the_path(senders: TargetSenders) -> None:
    kinesis = client("kinesis")
    kinesis.create_stream(StreamName="orders", ShardCount=1)
    arn = SCOPE.arn("stream/orders", "kinesis")
    keyed: dict[str, Any] = {"KinesisParameters": {"PartitionKeyPath": "$.detail.number"}, "RoleArn": ROLE}
    assert all(outcome.delivered for outcome in await send(senders, a_target(arn, **keyed)))
    assert (await send(senders, a_target(arn, RoleArn=ROLE), outgoing(9)))[0].delivered
    shard = kinesis.list_shards(StreamName="orders")["Shards"][0]["ShardId"]
    at = kinesis.get_shard_iterator(StreamName="orders", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = kinesis.get_records(ShardIterator=at["ShardIterator"])["Records"]
    assert [record["PartitionKey"] for record in records] == ["0", "1", "2", an_event(9).id]
    assert records[0]["Data"].decode() == an_event(0).body
    (missing,) = await send(senders, a_target(SCOPE.arn("stream/none", "kinesis"), RoleArn=ROLE), outgoing())
    assert (missing.error_code, missing.retry) == ("NO_RESOURCE", False)


@pytest.mark.usefixtures("aws")
async def test_a_delivery_stream_writes_the_events_to_its_bucket(senders: TargetSenders) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": SCOPE.region})
    client("firehose").create_delivery_stream(
        DeliveryStreamName="to-s3",
        ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::kept"},
    )
    target = a_target(SCOPE.arn("deliverystream/to-s3", "firehose"), RoleArn=ROLE)
    assert all(outcome.delivered for outcome in await send(senders, target))
    objects = s3.list_objects_v2(Bucket="kept")["Contents"]
    content = "".join(s3.get_object(Bucket="kept", Key=each["Key"])["Body"].read().decode() for each in objects)
    assert content == "".join(an_event(n).body for n in range(3))


@pytest.mark.usefixtures("aws")
async def test_a_state_machine_is_started_once_an_event_however_often_it_is_sent(senders: TargetSenders) -> None:
    machines = client("stepfunctions")
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}})
    arn = machines.create_state_machine(name="review", definition=definition, roleArn=ROLE)["stateMachineArn"]
    target = a_target(arn, RoleArn=ROLE)
    for _ in range(2):
        assert all(outcome.delivered for outcome in await send(senders, target))
    started = machines.list_executions(stateMachineArn=arn)["executions"]
    assert sorted(each["name"][:36] for each in started) == [an_event(n).id for n in range(3)]
    found = machines.describe_execution(executionArn=started[0]["executionArn"])
    assert json.loads(found["input"])["id"] == started[0]["name"][:36]
    missing = a_target(SCOPE.arn("stateMachine:none", "states"), RoleArn=ROLE)
    assert (await send(senders, missing, outgoing()))[0].error_code == "NO_RESOURCE"


class Stub:
    """An AWS endpoint that records calls and answers as told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: tuple[int, dict[str, str], str] = (202, {}, "")
        self.hangs = False
        self.busy = asyncio.Event()
        """Sixteen calls hang."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.calls.append((request.path, dict(request.headers), await request.read()))
        if len(self.calls) == 16:
            self.busy.set()
        if self.hangs:
            await asyncio.Event().wait()
        status, headers, text = self.answer
        return web.Response(status=status, headers=headers, text=text)


@pytest.fixture
async def stub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stub]:
    found = Stub()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    environment(monkeypatch, f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield found
    await runner.cleanup()


FUNCTION = SCOPE.arn("function:notify:live", "lambda")


async def test_a_function_is_invoked_asynchronously_with_the_event(stub: Stub, senders: TargetSenders) -> None:
    assert (await send(senders, a_target(FUNCTION), outgoing()))[0].delivered
    ((path, headers, body),) = stub.calls
    assert path == f"/2015-03-31/functions/{FUNCTION.replace(':', '%3A')}/invocations" or FUNCTION in path
    assert headers["X-Amz-Invocation-Type"] == "Event"
    assert body.decode() == an_event().body


@pytest.mark.parametrize(
    ("status", "error", "meaning"),
    [
        (404, "ResourceNotFoundException", ("NO_RESOURCE", False)),
        (403, "AccessDeniedException", ("NO_PERMISSIONS", False)),
        (400, "InvalidRequestContentException", ("INVALID_PARAMETER", False)),
        (429, "TooManyRequestsException", ("THROTTLING", True)),
        (500, "ServiceException", ("ERROR_FROM_TARGET", True)),
        (502, "", ("ERROR_FROM_TARGET", True)),
    ],
)
async def test_what_a_service_answers_is_told_apart(
    stub: Stub, senders: TargetSenders, status: int, error: str, meaning: tuple[str, bool]
) -> None:
    stub.answer = (status, {"x-amzn-ErrorType": error}, json.dumps({"Message": "why", "__type": error}))
    for arn in (FUNCTION, SCOPE.arn("cases", "sqs")):
        (outcome,) = await send(senders, a_target(arn), outgoing())
        assert (outcome.error_code, outcome.retry) == meaning


async def test_an_endpoint_that_answers_rubbish_is_tried_again(stub: Stub, senders: TargetSenders) -> None:
    for status, text in ((200, "<html>"), (200, "[]"), (503, "<html>")):
        stub.answer = (status, {}, text)
        (outcome,) = await send(senders, a_target(SCOPE.arn("cases", "sqs")), outgoing())
        assert (outcome.error_code, outcome.retry) == ("ERROR_FROM_TARGET", True)


async def test_an_endpoint_that_is_away_is_tried_again(senders: TargetSenders, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, f"http://127.0.0.1:{free_port()}")
    for arn in (FUNCTION, SCOPE.arn("cases", "sqs")):
        (outcome,) = await send(senders, a_target(arn), outgoing())
        assert (outcome.error_code, outcome.retry) == ("CONNECTION_FAILURE", True)


async def test_functions_that_hang_hold_up_no_function_that_works(stub: Stub, senders: TargetSenders) -> None:
    stub.hangs = True
    hanging = [asyncio.create_task(send(senders, a_target(FUNCTION), outgoing(), troubled=True)) for _ in range(40)]
    await asyncio.wait_for(stub.busy.wait(), PATIENCE * 30)
    stub.hangs = False
    assert (await send(senders, a_target(FUNCTION), outgoing()))[0].delivered
    assert not any(task.done() for task in hanging)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)


async def test_without_credentials_the_outcome_says_what_is_missing(
    senders: TargetSenders, monkeypatch: pytest.MonkeyPatch, stub: Stub
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    for arn in (FUNCTION, SCOPE.arn("cases", "sqs")):
        (outcome,) = await send(senders, a_target(arn), outgoing())
        assert (outcome.error_code, outcome.retry) == ("SDK_CLIENT_ERROR", True)
        assert "AWS_ACCESS_KEY_ID" in outcome.error_message
    assert stub.calls == []
