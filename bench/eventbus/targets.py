"""Where events are delivered to: a queue (SQS) and a webhook (API destination), made and read through boto3."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config

from bench.eventbus.entries import PATTERN, id_in
from bench.eventbus.figures import Arrivals
from bench.eventbus.put import ACCOUNT, REGION, SECRET
from bench.eventbus.receive import arrivals

ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/bench"
RULE: Final = "suspicious-activity"
_HIDE_S: Final = "43200"
_NO_LIMIT: Final = 1_000_000
"""Webhook calls per second: more than any of them makes."""


class Target(Protocol):
    """A place that remembers what arrived."""

    @property
    def arns(self) -> Sequence[str]:
        """What the rule's targets are."""

    def count(self) -> int:
        """Return about how many events have arrived."""

    def arrivals(self) -> Arrivals:
        """Return all that arrived, and forget it."""


def client(service: str, url: str) -> Any:
    """Return boto3's client for a server of the bench."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=240)
    make: Any = boto3.client  # typed per service only
    return make(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=SECRET,
        config=config,
    )


def make_rule(events: Any, bus: str, arns: Sequence[str], others: Sequence[str] = ()) -> None:
    """Make a bus with one rule that sends to `arns`, and rules without target for the `others`, patterns as JSON."""
    events.create_event_bus(Name=bus)
    events.put_rule(Name=RULE, EventBusName=bus, EventPattern=json.dumps(PATTERN))
    for number, pattern in enumerate(others):
        events.put_rule(Name=f"other-{number}", EventBusName=bus, EventPattern=pattern)
    targets = [{"Id": f"target-{number}", "Arn": arn, "RoleArn": ROLE} for number, arn in enumerate(arns)]
    made = events.put_targets(Rule=RULE, EventBusName=bus, Targets=targets)
    if made["FailedEntryCount"]:
        raise RuntimeError(f"the bus refuses the target: {made['FailedEntries']}")


@dataclass(slots=True)
class Queue:
    """A new queue. An event has arrived at the end of the millisecond in which the queue says that it was sent."""

    sqs: Any
    url: str
    arn: str

    @classmethod
    def make(cls, url: str, name: str) -> Queue:
        """Create it on the server at `url`."""
        sqs = client("sqs", url)
        queue = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": _HIDE_S})["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        return cls(sqs, queue, found["QueueArn"])

    @property
    def arns(self) -> Sequence[str]:
        """The queue."""
        return (self.arn,)

    def count(self) -> int:
        """Return how many messages wait."""
        name = "ApproximateNumberOfMessages"
        return int(self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])["Attributes"][name])

    def arrivals(self) -> Arrivals:
        """Receive every message, then delete the queue."""
        of_id: list[tuple[str, int]] = []
        nameless: list[int] = []
        receive: Callable[..., Any] = self.sqs.receive_message
        while got := receive(QueueUrl=self.url, MaxNumberOfMessages=10, AttributeNames=["SentTimestamp"]).get(
            "Messages"
        ):
            for message in got:
                at = (int(message["Attributes"]["SentTimestamp"]) + 1) * 1_000_000
                name = id_in(message["Body"].encode())
                if name is None:
                    nameless.append(at)
                else:
                    of_id.append((name, at))
        self.sqs.delete_queue(QueueUrl=self.url)
        return Arrivals(of_id, nameless)


@dataclass(slots=True)
class Webhook:
    """An API destination with an API key, for the receiver at `url`."""

    url: str
    arn: str

    @classmethod
    def make(cls, events: Any, name: str, url: str) -> Webhook:
        """Create connection and destination, and make the receiver forget."""
        key = {"ApiKeyAuthParameters": {"ApiKeyName": "x-api-key", "ApiKeyValue": "bench"}}
        connection = events.create_connection(Name=name, AuthorizationType="API_KEY", AuthParameters=key)
        made = events.create_api_destination(
            Name=name,
            ConnectionArn=connection["ConnectionArn"],
            InvocationEndpoint=f"{url}/suspicious-activity",
            HttpMethod="POST",
            InvocationRateLimitPerSecond=_NO_LIMIT,
        )
        _call(url, method="DELETE")
        return cls(url, made["ApiDestinationArn"])

    @property
    def arns(self) -> Sequence[str]:
        """The API destination."""
        return (self.arn,)

    def count(self) -> int:
        """Return how many distinct and nameless events have come."""
        return int(_call(f"{self.url}/count"))

    def arrivals(self) -> Arrivals:
        """Return all, and make the receiver forget."""
        found = arrivals(_call(f"{self.url}/arrivals"))
        _call(self.url, method="DELETE")
        return found


@dataclass(slots=True)
class Both:
    """A queue and a webhook as two targets of one rule: an event has arrived once it is at both."""

    queue: Queue
    webhook: Webhook

    @property
    def arns(self) -> Sequence[str]:
        """The queue and the API destination."""
        return (self.queue.arn, self.webhook.arn)

    def count(self) -> int:
        """Return how many events have arrived at the one that is behind."""
        return min(self.queue.count(), self.webhook.count())

    def arrivals(self) -> Arrivals:
        """Return all, and forget it."""
        return at_both(self.queue.arrivals(), self.webhook.arrivals())


def at_both(queue: Arrivals, webhook: Arrivals) -> Arrivals:
    """Return each event that arrived at both, at its first arrival there where it came last.

    Nameless ones of the webhook stand for as many of the queue's, in order: they can't be told apart.
    """
    first: list[dict[str, int]] = [{}, {}]
    for found, arrived in zip(first, (queue, webhook), strict=True):
        for name, at in arrived.of_id:
            found[name] = min(at, found.get(name, at))
    of_id = [(name, max(at, first[1][name])) for name, at in first[0].items() if name in first[1]]
    waiting = sorted(at for name, at in first[0].items() if name not in first[1])
    return Arrivals(of_id, [max(pair) for pair in zip(waiting, sorted(webhook.nameless), strict=False)])


def _call(url: str, method: str = "GET") -> bytes:
    with urlopen(Request(url, method=method), timeout=60) as answer:
        data: bytes = answer.read()
    return data
