"""Makes what the suite needs: topics, schemas, and the log groups and queues of the subscribers. Again changes nothing.

Where is in the environment alone: KAFKA_*, REGISTRY_*, AWS_*. An endpoint in AWS_ENDPOINT_URL is taken
for a moto server, whose ids are kept the same over restarts. Buses, rules and targets are not made here: the
local event bus makes them of the same files when it starts, and on AWS they are part of the deployment.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Final
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from eventbus import subscribers
from eventbus.subscribers import FOLDER, Subscriber
from schemas import aws, topics
from schemas.__main__ import moto_seeder
from schemas.codec import definition
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings, RegistrySettings, load

_POLICY_NAME: Final = "cardwatch-eventbridge"


def provision(say: Callable[[str], None] = lambda _: None) -> dict[UUID, str]:
    """Make everything, saying one line for each thing; return the registered schemas by version id.

    Raises:
        UserError: a setting, a subscriber's file or the credentials are wrong.
        UnavailableError: the broker or AWS can't be reached.
    """
    found = subscribers.load(FOLDER, os.environ)
    for change in topics.create(load(KafkaSettings), topics.load()):
        say(f"topic {change.topic}: {change.action}, {change.detail}")
    schemas = _register_schemas(say)
    make_targets(found, say)
    return schemas


def make_targets(found: Iterable[Subscriber], say: Callable[[str], None] = lambda _: None) -> None:
    """Make the log groups and queues that subscribers send to, dead-letter queues included, and let EventBridge in."""
    try:
        for subscriber in found:
            groups = [target.logGroup for target in subscriber.targets if target.logGroup]
            for group in groups:
                _log_group(group)
            for queue in subscriber.queues:
                _queue(queue)
            say(f"targets of {subscriber.file}: {', '.join([*groups, *subscriber.queues])}")
    except (BotoCoreError, ClientError) as error:
        raise aws.explained(error, "AWS") from error


def _register_schemas(say: Callable[[str], None]) -> dict[UUID, str]:
    registry = GlueRegistry.connect(load(RegistrySettings))
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    before_new = moto_seeder(endpoint) if endpoint else lambda _: None
    schemas = {}
    for topic in topics.load().values():
        if topic.schema:
            text = definition(topic.schema)
            version = registry.register(topic.name, text, before_new=before_new)
            schemas[version] = text
            say(f"schema {topic.name}: version {version}")
    return schemas


def _log_group(name: str) -> None:
    logs = aws.client("logs")
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=name)
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    arn = next(str(group["arn"]) for group in found if group["logGroupName"] == name)
    every = f"{arn.split(':log-group:', maxsplit=1)[0]}:log-group:/aws/events/*:*"
    writers = ["events.amazonaws.com", "delivery.logs.amazonaws.com"]
    policy = _policy(writers, ["logs:CreateLogStream", "logs:PutLogEvents"], every)
    logs.put_resource_policy(policyName=_POLICY_NAME, policyDocument=policy)


def _queue(name: str) -> None:
    sqs = aws.client("sqs")
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    url = sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = _policy(["events.amazonaws.com"], ["sqs:SendMessage"], arn)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def _policy(services: Sequence[str], actions: Sequence[str], resource: str) -> str:
    """Return a resource policy that lets AWS services do something, as JSON."""
    statement = {"Effect": "Allow", "Principal": {"Service": services}, "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
