# ruff: noqa: N802, N803 - the fake has the names of the API
from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from eventbus.arn import Scope, parse
from eventbus.provision import TAG, apply, check, request
from eventbus.subscribers import Subscriber
from schemas.errors import UserError

SCOPE = Scope("123456789012", "eu-central-1")
HOOK = {"url": "http://127.0.0.1:4020/in", "apiKey": {"header": "x-api-key", "value": "k"}}


def subscriber(file: str, targets: list[dict[str, Any]], bus: str = "cardwatch", **changes: Any) -> Subscriber:
    whole = {"description": "d", "bus": bus, "rule": "r", "pattern": {"source": ["s"]}, "targets": targets} | changes
    return Subscriber.read(json.dumps(whole), file, {})


def shape(**target: Any) -> dict[str, Any]:
    return request(subscriber("f.json", [{"id": "t", **target}]).targets[0], SCOPE, "arn:of:destination")


class FakeApi:
    """The operations that are used, on dicts; pages hold one item each. What was not to be done twice is refused."""

    def __init__(self) -> None:
        self.buses = ["default"]
        self.rules: dict[tuple[str, str], dict[str, Any]] = {}
        self.targets: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.connections: dict[str, Mapping[str, Any]] = {}
        self.destinations: dict[str, Mapping[str, Any]] = {}
        self.calls: list[str] = []

    async def __call__(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self.calls.append(operation)
        answer: Mapping[str, Any] | None = getattr(self, operation)(**request)
        return answer or {}

    def ListEventBuses(self, NamePrefix: str = "", NextToken: str = "0") -> dict[str, Any]:
        return page("EventBuses", [{"Name": name} for name in self.buses if name.startswith(NamePrefix)], NextToken)

    def CreateEventBus(self, Name: str) -> None:
        assert Name not in self.buses
        self.buses.append(Name)

    def PutRule(self, Name: str, EventBusName: str, **rule: Any) -> dict[str, Any]:
        self.rules[EventBusName, Name] = rule
        self.targets.setdefault((EventBusName, Name), {})
        return {"RuleArn": SCOPE.rule(Name, EventBusName)}

    def TagResource(self, ResourceARN: str, Tags: list[dict[str, str]]) -> None:
        self.tags.setdefault(ResourceARN, {}).update({tag["Key"]: tag["Value"] for tag in Tags})

    def ListTagsForResource(self, ResourceARN: str) -> dict[str, Any]:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags.get(ResourceARN, {}).items()]}

    def ListRules(self, EventBusName: str, NextToken: str = "0") -> dict[str, Any]:
        found = [{"Name": name, "Arn": SCOPE.rule(name, bus)} for bus, name in self.rules if bus == EventBusName]
        return page("Rules", found, NextToken)

    def DeleteRule(self, Name: str, EventBusName: str) -> None:
        assert not self.targets[EventBusName, Name], "a rule with targets can't be deleted"
        del self.rules[EventBusName, Name]

    def ListTargetsByRule(self, Rule: str, EventBusName: str, NextToken: str = "0") -> dict[str, Any]:
        return page("Targets", list(self.targets[EventBusName, Rule].values()), NextToken)

    def PutTargets(self, Rule: str, EventBusName: str, Targets: list[dict[str, Any]]) -> None:
        self.targets[EventBusName, Rule].update({target["Id"]: target for target in Targets})
        assert len(self.targets[EventBusName, Rule]) <= 5

    def RemoveTargets(self, Rule: str, EventBusName: str, Ids: list[str]) -> None:
        for target_id in Ids:
            del self.targets[EventBusName, Rule][target_id]

    def ListConnections(self, NamePrefix: str) -> dict[str, Any]:
        return page("Connections", [{"Name": name} for name in self.connections if name.startswith(NamePrefix)], "0")

    def CreateConnection(self, Name: str, **connection: Any) -> dict[str, Any]:
        assert Name not in self.connections
        return self.UpdateConnection(Name, **connection)

    def UpdateConnection(self, Name: str, **connection: Any) -> dict[str, Any]:
        self.connections[Name] = connection
        return {"ConnectionArn": SCOPE.arn(f"connection/{Name}/id")}

    def DeleteConnection(self, Name: str) -> None:
        del self.connections[Name]

    def ListApiDestinations(self, NamePrefix: str) -> dict[str, Any]:
        found = [{"Name": name} for name in self.destinations if name.startswith(NamePrefix)]
        return page("ApiDestinations", found, "0")

    def CreateApiDestination(self, Name: str, **destination: Any) -> dict[str, Any]:
        assert Name not in self.destinations
        return self.UpdateApiDestination(Name, **destination)

    def UpdateApiDestination(self, Name: str, **destination: Any) -> dict[str, Any]:
        self.destinations[Name] = destination
        return {"ApiDestinationArn": SCOPE.arn(f"api-destination/{Name}/id")}

    def DeleteApiDestination(self, Name: str) -> None:
        del self.destinations[Name]

    def state(self) -> str:
        return repr((self.buses, self.rules, self.targets, self.tags, self.connections, self.destinations))


def page(field: str, items: list[Any], token: str) -> dict[str, Any]:
    first = int(token)
    more = {"NextToken": str(first + 1)} if first + 1 < len(items) else {}
    return {field: items[first : first + 1], **more}


def test_what_a_file_names_becomes_an_arn_of_the_scope() -> None:
    assert shape(logGroup="/aws/events/x") == {
        "Id": "t",
        "Arn": "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/events/x",
        "RetryPolicy": {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400},
    }
    queue = shape(queue="q", deadLetterQueue="dead", retry={"attempts": 0, "maxAgeSeconds": 60})
    assert queue["Arn"] == "arn:aws:sqs:eu-central-1:123456789012:q"
    assert queue["DeadLetterConfig"] == {"Arn": "arn:aws:sqs:eu-central-1:123456789012:dead"}
    assert queue["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert shape(bus="other")["Arn"] == "arn:aws:events:eu-central-1:123456789012:event-bus/other"
    assert shape(webhook=HOOK)["Arn"] == "arn:of:destination"


def test_a_target_gets_a_role_where_the_service_wants_one() -> None:
    role = "arn:aws:iam::123456789012:role/cardwatch-events"
    stream, topic = (f"arn:aws:{name}:eu-central-1:123456789012:x" for name in ("kinesis", "sns"))
    assert [shape(**each).get("RoleArn") for each in ({"webhook": HOOK}, {"bus": "b"}, {"arn": stream})] == [role] * 3
    assert [shape(**each).get("RoleArn") for each in ({"queue": "q"}, {"arn": topic})] == [None, None]


def test_inputs_become_what_the_api_takes() -> None:
    assert shape(queue="q", input={"a": [1]})["Input"] == '{"a": [1]}'
    assert shape(queue="q", input=None)["Input"] == "null"
    assert shape(queue="q", inputPath="$.detail")["InputPath"] == "$.detail"
    transformer = {"inputPathsMap": {"a": "$.detail.a"}, "inputTemplate": '"<a>"'}
    assert shape(queue="q", inputTransformer=transformer)["InputTransformer"] == {
        "InputPathsMap": {"a": "$.detail.a"},
        "InputTemplate": '"<a>"',
    }


async def test_a_file_becomes_bus_rule_targets_connection_and_destination() -> None:
    api = FakeApi()
    await apply([subscriber("f.json", [{"id": "q", "queue": "q"}, {"id": "hook", "webhook": HOOK}])], api, SCOPE)
    assert api.buses == ["default", "cardwatch"]
    assert api.rules["cardwatch", "r"]["EventPattern"] == '{"source": ["s"]}'
    assert api.tags == {SCOPE.rule("r", "cardwatch"): {TAG: "f.json"}}
    assert list(api.targets["cardwatch", "r"]) == ["q", "hook"]
    ((name, destination),) = api.destinations.items()
    assert name == "cardwatch-r-hook"
    assert destination["InvocationEndpoint"] == HOOK["url"]
    assert destination["ConnectionArn"].endswith(f"connection/{name}/id")
    key = {"ApiKeyName": "x-api-key", "ApiKeyValue": "k"}
    assert api.connections[name]["AuthParameters"] == {"ApiKeyAuthParameters": key}


async def test_applying_again_changes_nothing() -> None:
    api = FakeApi()
    files = [subscriber("f.json", [{"id": "hook", "webhook": HOOK}, {"id": "b", "bus": "other"}])]
    await apply(files, api, SCOPE)
    first = api.state()
    await apply(files, api, SCOPE)
    assert api.state() == first
    assert not {"RemoveTargets", "DeleteRule"} & set(api.calls)


async def test_a_target_that_the_file_no_longer_has_goes_with_what_was_made_for_it() -> None:
    api = FakeApi()
    await apply([subscriber("f.json", [{"id": str(n), "webhook": HOOK} for n in range(5)])], api, SCOPE)
    await apply([subscriber("f.json", [{"id": str(n), "queue": "q"} for n in range(4, 9)])], api, SCOPE)
    assert list(api.targets["cardwatch", "r"]) == ["4", "5", "6", "7", "8"]
    assert list(api.destinations) == list(api.connections) == []


async def test_the_rule_of_a_file_that_is_gone_is_removed_and_others_stay() -> None:
    api = FakeApi()
    mine = [subscriber(f"{n}.json", [{"id": "t", "webhook": HOOK}], rule=f"r{n}") for n in range(3)]
    await apply(mine, api, SCOPE)
    await api("PutRule", {"Name": "by-hand", "EventBusName": "cardwatch", "EventPattern": "{}"})
    await apply(mine[1:], api, SCOPE)
    assert sorted(api.rules) == [("cardwatch", "by-hand"), ("cardwatch", "r1"), ("cardwatch", "r2")]
    assert sorted(api.destinations) == sorted(api.connections) == ["cardwatch-r1-t", "cardwatch-r2-t"]
    await apply([], api, SCOPE)
    assert sorted(api.rules) == [("cardwatch", "by-hand")]


async def test_a_rule_whose_file_renames_it_is_not_left_behind() -> None:
    api = FakeApi()
    await apply([subscriber("f.json", [{"id": "t", "queue": "q"}])], api, SCOPE)
    await apply([subscriber("f.json", [{"id": "t", "queue": "q"}], rule="other", bus="another")], api, SCOPE)
    assert list(api.rules) == [("another", "other")]


async def test_a_schedule_becomes_one() -> None:
    api = FakeApi()
    file = subscriber("f.json", [{"id": "t", "queue": "q"}], bus="default", pattern=None, schedule="rate(1 minute)")
    await apply([file], api, SCOPE)
    assert api.rules["default", "r"]["ScheduleExpression"] == "rate(1 minute)"
    assert "EventPattern" not in api.rules["default", "r"]


async def test_names_of_what_is_made_stay_within_the_limit_and_apart() -> None:
    api = FakeApi()
    files = [
        subscriber(f"{bus[-1]}.json", [{"id": "t" * 60, "webhook": HOOK}], bus=bus, rule="r" * 60)
        for bus in ("b.1", "b-1", "b" * 200)
    ]
    await apply(files, api, SCOPE)
    assert len(api.destinations) == 3
    assert max(len(name) for name in api.destinations) == 64
    assert all(parse(str(each["ConnectionArn"])) for each in api.destinations.values())


def test_a_message_group_goes_to_the_queue() -> None:
    fifo = shape(queue="q.fifo", messageGroup="cards")
    assert (fifo["Arn"].endswith(":q.fifo"), fifo["SqsParameters"]) == (True, {"MessageGroupId": "cards"})
    assert "SqsParameters" not in shape(queue="q")


UNDEFINED = {"inputPathsMap": {}, "inputTemplate": '"<x>"'}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"queue": "q", "inputTransformer": UNDEFINED}, "for target t contains invalid placeholder x"),
        ({"arn": SCOPE.arn("cluster/c", "ecs")}, "ecs is not a supported service for a target"),
        ({"arn": SCOPE.arn("q.fifo", "sqs")[:-5], "inputPath": "$['a']"}, "InputPath for target t is invalid"),
        ({"arn": SCOPE.arn("news", "sns"), "messageGroup": "g"}, "SqsParameters not supported for target: t"),
        ({"webhook": HOOK | {"url": "http://h:99999/"}}, "InvocationEndpoint is not valid. Reason: It is no URL."),
        ({"webhook": HOOK | {"url": "http://h/{id}"}}, "failed to satisfy constraint"),
    ],
)
async def test_what_the_bus_would_refuse_is_found_before_anything_is_made(target: dict[str, Any], reason: str) -> None:
    api = FakeApi()
    files = [subscriber("a.json", [{"id": "q", "queue": "q"}]), subscriber("b.json", [{"id": "t", **target}], rule="b")]
    with pytest.raises(UserError) as checked:
        await check(files, SCOPE)
    assert str(checked.value).startswith("b.json: ")
    assert reason in str(checked.value)
    with pytest.raises(UserError) as started:
        await apply(files, api, SCOPE)
    assert (str(started.value), api.calls) == (str(checked.value), [])


async def test_two_files_do_not_share_a_webhooks_connection() -> None:
    webhook = [{"id": "t", "webhook": HOOK}]
    files = [subscriber("a.json", webhook, bus="x", rule="y-z"), subscriber("b.json", webhook, bus="x-y", rule="z")]
    with pytest.raises(UserError, match=r"a\.json and b\.json both make a webhook's connection x-y-z-t: rename"):
        await check(files, SCOPE)
