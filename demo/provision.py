"""Makes what the suite needs: topics, schemas, event bus, routing rules, log groups. Again changes nothing.

Where is in the environment alone: KAFKA_*, REGISTRY_*, AWS_*. An endpoint in AWS_ENDPOINT_URL is taken
for a moto server, whose ids are kept the same over restarts.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from demo import routing
from schemas import aws, topics
from schemas.__main__ import moto_seeder
from schemas.codec import definition
from schemas.registry import GlueRegistry
from schemas.settings import KafkaSettings, RegistrySettings, load

_POLICY_NAME: Final = "cardwatch-eventbridge"


def provision(say: Callable[[str], None] = lambda _: None) -> dict[UUID, str]:
    """Make everything, saying one line for each thing; return the registered schemas by version id.

    Raises:
        UserError: a setting, a routing rule or the credentials are wrong.
        UnavailableError: the broker or AWS can't be reached.
    """
    rules = routing.load()
    for change in topics.create(load(KafkaSettings), topics.load()):
        say(f"topic {change.topic}: {change.action}, {change.detail}")
    return provision_aws(rules, say)


def provision_aws(rules: Iterable[routing.RoutingRule], say: Callable[[str], None] = lambda _: None) -> dict[UUID, str]:
    """Register the schemas and make bus, rules and log groups; return the schemas by version id."""
    schemas = _register_schemas(say)
    try:
        for rule in rules:
            _make(rule)
            say(f"rule {rule.rule} on bus {rule.bus}: to {', '.join(target.logGroup for target in rule.targets)}")
    except (BotoCoreError, ClientError) as error:
        raise aws.explained(error, "EventBridge") from error
    return schemas


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


def _make(rule: routing.RoutingRule) -> None:
    events = aws.client("events")
    with contextlib.suppress(events.exceptions.ResourceAlreadyExistsException):
        events.create_event_bus(Name=rule.bus)
    targets = [{"Id": target.id, "Arn": _log_group(target.logGroup)} for target in rule.targets]
    events.put_rule(
        Name=rule.rule,
        EventBusName=rule.bus,
        Description=rule.description,
        EventPattern=json.dumps(rule.pattern),
        State="ENABLED",
    )
    events.put_targets(Rule=rule.rule, EventBusName=rule.bus, Targets=targets)


def _log_group(name: str) -> str:
    """Make the log group, let EventBridge write to it, and return its ARN."""
    logs = aws.client("logs")
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=name)
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    arn = next(str(group["arn"]) for group in found if group["logGroupName"] == name).removesuffix(":*")
    logs.put_resource_policy(policyName=_POLICY_NAME, policyDocument=json.dumps(_policy(arn)))
    return arn


def _policy(arn: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]},
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": f"{arn.split(':log-group:', maxsplit=1)[0]}:log-group:/aws/events/*:*",
            }
        ],
    }
