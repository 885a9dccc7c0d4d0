"""Makes what subscriber files declare: buses, rules, targets, connections, API destinations. Again changes nothing.

All of it goes through the API's own operations, so a file can ask for nothing that a client couldn't. A rule
carries the tag `cardwatch:subscriber` with the name of its file: when the file is gone, so is the rule.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from eventbus.api.errors import ApiError
from eventbus.api.rehearsal import Rehearsal
from eventbus.arn import Scope, parse
from eventbus.subscribers import Subscriber, Target, Webhook
from schemas.errors import UserError

TAG: Final = "cardwatch:subscriber"
ROLE: Final = "role/cardwatch-events"
_LETS_EVENTBRIDGE_IN: Final = {"logs", "sqs", "sns", "lambda"}
"""Services whose resources say themselves who may use them; a target of any other needs a role."""
_NAME: Final = 64
"""Longest name of a connection or an API destination."""

_log = structlog.get_logger(__name__)


class Api(Protocol):
    """Performs an operation of EventBridge's API."""

    async def __call__(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to `request`, both as boto3 has them; raises what the operation raises."""


async def check(subscribers: Sequence[Subscriber], scope: Scope) -> None:
    """Find what the bus would refuse.

    Raises:
        UserError: a file asks for what can't be; the message names it.
    """
    rehearsal = _Loading(Rehearsal(scope), scope)
    first: dict[str, str] = {}
    for each in subscribers:
        await rehearsal.make(each)
        for name in (_name(each.bus, each.rule, target.id) for target in each.targets if target.webhook):
            other = first.setdefault(name, each.file)
            if other != each.file:
                raise UserError(f"{other} and {each.file} both make a webhook's connection {name}: rename a target")


async def apply(subscribers: Sequence[Subscriber], api: Api, scope: Scope) -> None:
    """Make the running bus what the files say, and remove the rules of files that are gone.

    Raises:
        UserError: as `check`, before anything is changed.
    """
    await check(subscribers, scope)
    loading = _Loading(api, scope)
    for bus in sorted(
        {each.bus for each in subscribers} | {t.bus for each in subscribers for t in each.targets if t.bus}
    ):
        await loading.make_bus(bus)
    for each in subscribers:
        await loading.make(each)
        _log.info("subscriber", file=each.file, bus=each.bus, rule=each.rule, targets=[t.id for t in each.targets])
    await loading.remove_others({(each.bus, each.rule): each.file for each in subscribers})


@dataclass(frozen=True, slots=True)
class _Loading:
    api: Api
    scope: Scope

    async def make_bus(self, name: str) -> None:
        """Create the bus unless it is there."""
        found = await self.api("ListEventBuses", {"NamePrefix": name})
        if name not in {bus["Name"] for bus in found["EventBuses"]}:
            await self.api("CreateEventBus", {"Name": name})

    async def make(self, subscriber: Subscriber) -> None:
        """Put the rule, its tag and its targets; targets that the file doesn't have are removed.

        Raises:
            UserError: the bus refuses something; the message names the file.
        """
        try:
            await self._make(subscriber)
        except ApiError as error:
            raise UserError(f"{subscriber.file}: {error.message}") from None

    async def _make(self, subscriber: Subscriber) -> None:
        on_bus = {"EventBusName": subscriber.bus}
        arn = (await self.api("PutRule", {**on_bus, **_rule(subscriber)}))["RuleArn"]
        tag = {"Key": TAG, "Value": subscriber.file}
        await self.api("TagResource", {"ResourceARN": arn, "Tags": [tag]})  # PutRule tags only a new rule
        wanted = [await self._target(subscriber, target) for target in subscriber.targets]
        await self._replace_targets(subscriber.bus, subscriber.rule, wanted)

    async def remove_others(self, files: Mapping[tuple[str, str], str]) -> None:
        """Remove each rule that a file made which no longer makes it; `files` by bus and rule."""
        for bus in await self._all("ListEventBuses", "EventBuses"):
            for rule in await self._all("ListRules", "Rules", EventBusName=bus["Name"]):
                tags = (await self.api("ListTagsForResource", {"ResourceARN": rule["Arn"]}))["Tags"]
                file = next((tag["Value"] for tag in tags if tag["Key"] == TAG), None)
                if file is not None and (bus["Name"], rule["Name"]) not in files:
                    await self._replace_targets(bus["Name"], rule["Name"], [])
                    await self.api("DeleteRule", {"Name": rule["Name"], "EventBusName": bus["Name"]})
                    _log.warning("subscriber removed", file=file, bus=bus["Name"], rule=rule["Name"])

    async def _target(self, subscriber: Subscriber, target: Target) -> dict[str, Any]:
        destination = ""
        if target.webhook:
            destination = await self._destination(_name(subscriber.bus, subscriber.rule, target.id), target.webhook)
        return request(target, self.scope, destination)

    async def _destination(self, name: str, webhook: Webhook) -> str:
        """Create or update the connection and the API destination of that name; return the latter's ARN."""
        key = {"ApiKeyName": webhook.apiKey.header, "ApiKeyValue": webhook.apiKey.value.get_secret_value()}
        auth = {"AuthorizationType": "API_KEY", "AuthParameters": {"ApiKeyAuthParameters": key}}
        connection = await self._put("Connection", "Connections", {"Name": name, **auth})
        endpoint = {
            "Name": name,
            "ConnectionArn": connection["ConnectionArn"],
            "InvocationEndpoint": webhook.url,
            "HttpMethod": webhook.method,
            "InvocationRateLimitPerSecond": webhook.ratePerSecond,
        }
        return str((await self._put("ApiDestination", "ApiDestinations", endpoint))["ApiDestinationArn"])

    async def _put(self, kind: str, kinds: str, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
        found = await self.api(f"List{kinds}", {"NamePrefix": wanted["Name"]})
        there = wanted["Name"] in {each["Name"] for each in found[kinds]}
        return await self.api(f"{'Update' if there else 'Create'}{kind}", wanted)

    async def _replace_targets(self, bus: str, rule: str, wanted: Sequence[Mapping[str, Any]]) -> None:
        """Give the rule these targets and no others; destinations that were made for others go with them."""
        on_rule = {"EventBusName": bus, "Rule": rule}
        before = await self._all("ListTargetsByRule", "Targets", **on_rule)
        gone = [target["Id"] for target in before if target["Id"] not in {each["Id"] for each in wanted}]
        if gone:  # first, for a rule takes five
            await self.api("RemoveTargets", {**on_rule, "Ids": gone})
        if wanted:
            await self.api("PutTargets", {**on_rule, "Targets": wanted})
        for target in before:
            arn, name = parse(target["Arn"]), _name(bus, rule, target["Id"])
            mine = arn is not None and arn.resource.startswith(f"api-destination/{name}/")
            if mine and target["Arn"] not in {each["Arn"] for each in wanted}:
                await self.api("DeleteApiDestination", {"Name": name})
                await self.api("DeleteConnection", {"Name": name})

    async def _all(self, operation: str, field: str, **given: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            page = await self.api(operation, {**given, **token})
            found += page[field]
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}


def request(target: Target, scope: Scope, destination: str = "") -> dict[str, Any]:
    """Return a target in the API's shape; `destination` is the ARN of a webhook's API destination."""
    arn = _arn(target, scope) or destination
    found = parse(arn)
    made: dict[str, Any] = {
        "Id": target.id,
        "Arn": arn,
        "RetryPolicy": {
            "MaximumRetryAttempts": target.retry.attempts,
            "MaximumEventAgeInSeconds": target.retry.maxAgeSeconds,
        },
    }
    if found is None or found.service not in _LETS_EVENTBRIDGE_IN:
        made["RoleArn"] = f"arn:aws:iam::{scope.account}:{ROLE}"
    if target.deadLetterQueue:
        made["DeadLetterConfig"] = {"Arn": scope.arn(target.deadLetterQueue, "sqs")}
    if target.messageGroup is not None:
        made["SqsParameters"] = {"MessageGroupId": target.messageGroup}
    if "input" in target.model_fields_set:
        made["Input"] = json.dumps(target.input)
    if target.inputPath is not None:
        made["InputPath"] = target.inputPath
    if target.inputTransformer is not None:
        made["InputTransformer"] = {
            "InputPathsMap": target.inputTransformer.inputPathsMap,
            "InputTemplate": target.inputTransformer.inputTemplate,
        }
    return made


def _arn(target: Target, scope: Scope) -> str:
    if target.logGroup:
        return scope.arn(f"log-group:{target.logGroup}", "logs")
    if target.queue:
        return scope.arn(target.queue, "sqs")
    return scope.bus(target.bus) if target.bus else target.arn or ""


def _rule(subscriber: Subscriber) -> dict[str, Any]:
    said = {"Name": subscriber.rule, "Description": subscriber.description, "State": "ENABLED"}
    if subscriber.schedule is not None:
        return {**said, "ScheduleExpression": subscriber.schedule}
    return {**said, "EventPattern": json.dumps(subscriber.pattern)}


def _name(bus: str, rule: str, target: str) -> str:
    """Return the name of what is made for one webhook: the same at each start."""
    whole = f"{bus}-{rule}-{target}"
    if len(whole) <= _NAME:
        return whole
    return f"{whole[: _NAME - 9]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
