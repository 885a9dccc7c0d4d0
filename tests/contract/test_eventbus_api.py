"""Every operation, driven by boto3 over HTTP; each answer is held against botocore's own model."""

from __future__ import annotations

import ast
import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from eventbus.api.operations import ABSENT, OPERATIONS
from tests.eventbus_server import ACCOUNT, REGION, Bus, running_bus
from tests.harness import wait_until

PATTERN = '{"source": ["shop"]}'
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/events"
OTHER_ACCOUNT = "210987654321"
API_KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "x-api-key", "ApiKeyValue": "hush"}}


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with running_bus(tmp_path_factory.mktemp("bus")) as running:
        yield running


@pytest.fixture
def events(bus: Bus) -> Any:
    return bus.client()


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def entry(**changed: Any) -> dict[str, Any]:
    given = {"Source": "shop", "DetailType": "order", "Detail": '{"id": 1}', **changed}
    return {name: value for name, value in given.items() if value is not None}


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def state_or_code(call: Any, **request: Any) -> str:
    try:
        return str(call(**request)["State"])
    except ClientError as error:
        return str(error.response["Error"]["Code"])


# --- PutEvents


def test_entries_are_answered_one_by_one_in_order(events: Any) -> None:
    answer = events.put_events(
        Entries=[
            entry(),
            entry(Source=None),
            entry(DetailType=""),
            entry(Detail=None),
            entry(Detail="[]"),
            entry(Detail='"text"'),
            entry(Detail="{"),
            entry(Source="aws.s3"),
            entry(Time=datetime(2026, 1, 1, tzinfo=UTC), Resources=["arn:a"], TraceHeader="Root=1"),
            entry(EventBusName="nobody-made-it"),
        ]
    )
    codes = [each.get("ErrorCode", "") for each in answer["Entries"]]
    assert codes == [
        "",
        *["InvalidArgument"] * 3,
        *["MalformedDetail"] * 3,
        "NotAuthorizedForSourceException",
        "",
        "",
    ]
    assert answer["FailedEntryCount"] == 7
    assert answer["Entries"][1]["ErrorMessage"] == (
        "Parameter Source is not valid. Reason: Source is a required argument."
    )
    assert answer["Entries"][4]["ErrorMessage"] == "Detail is malformed."
    ids = [each["EventId"] for each in answer["Entries"] if "EventId" in each]
    assert len({uuid.UUID(each) for each in ids}) == 3


def test_a_detail_type_has_128_characters_at_most(events: Any) -> None:
    answer = events.put_events(Entries=[entry(DetailType="é" * 128), entry(DetailType="é" * 129)])
    assert "EventId" in answer["Entries"][0]
    assert answer["Entries"][1] == {
        "ErrorCode": "InvalidArgument",
        "ErrorMessage": "Parameter DetailType is not valid. Reason: DetailType has more than 128 characters.",
    }


def test_eleven_entries_are_too_many(events: Any) -> None:
    code, message = refusal(events.put_events, Entries=[entry()] * 11)
    assert code == "ValidationException"
    assert message.endswith(
        "at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"
    )


def test_entries_together_may_be_a_mebibyte_and_not_a_byte_more(events: Any) -> None:
    overhead = len("shop") + len("order") + len('{"a":""}')
    fits = entry(Detail=json.dumps({"a": "x" * (1024 * 1024 - overhead)}, separators=(",", ":")))
    assert events.put_events(Entries=[fits])["FailedEntryCount"] == 0
    code, message = refusal(events.put_events, Entries=[{**fits, "DetailType": "orders"}])
    assert (code, message) == ("ValidationException", "Total size of the entries in the request is over the limit.")


def test_another_accounts_bus_takes_entries_once_its_policy_says_so(bus: Bus, events: Any) -> None:
    name = unique("open")
    arn = events.create_event_bus(Name=name)["EventBusArn"]
    other = bus.client(key_id=OTHER_ACCOUNT)
    refused = other.put_events(Entries=[entry(EventBusName=arn)])
    assert refused["Entries"][0]["ErrorCode"] == "AccessDeniedException"
    assert "not authorized to perform: events:PutEvents" in refused["Entries"][0]["ErrorMessage"]
    events.put_permission(
        EventBusName=name, Action="events:PutEvents", Principal=OTHER_ACCOUNT, StatementId="shop-let-in"
    )
    assert other.put_events(Entries=[entry(EventBusName=arn)])["FailedEntryCount"] == 0
    events.remove_permission(EventBusName=name, StatementId="shop-let-in")
    assert other.put_events(Entries=[entry(EventBusName=arn)])["FailedEntryCount"] == 1


def test_a_policy_with_a_condition_lets_in_what_meets_it(bus: Bus, events: Any) -> None:
    name = unique("conditional")
    arn = events.create_event_bus(Name=name)["EventBusArn"]
    document = {
        "Version": "2012-10-17",
        "Statement": {
            "Sid": "shop",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"},
            "Action": "events:Put*",
            "Resource": arn,
            "Condition": {"StringEquals": {"events:source": "shop"}},
        },
    }
    events.put_permission(EventBusName=name, Policy=json.dumps(document))
    other = bus.client(key_id=OTHER_ACCOUNT)
    answer = other.put_events(Entries=[entry(EventBusName=arn), entry(EventBusName=arn, Source="else")])
    assert [each.get("ErrorCode") for each in answer["Entries"]] == [None, "AccessDeniedException"]
    assert json.loads(events.describe_event_bus(Name=name)["Policy"]) == document
    rule = {"Name": "r", "EventBusName": arn, "EventPattern": PATTERN}
    assert refusal(other.put_rule, **rule)[0] == "AccessDeniedException"


# --- buses


def test_a_bus_is_created_described_updated_listed_and_deleted(events: Any) -> None:
    name = unique("bus")
    made = events.create_event_bus(
        Name=name,
        Description="orders",
        DeadLetterConfig={"Arn": QUEUE},
        Tags=[{"Key": "team", "Value": "shop"}],
    )
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}"
    assert made["EventBusArn"] == arn
    described = events.describe_event_bus(Name=name)
    assert (described["Name"], described["Arn"], described["Description"]) == (name, arn, "orders")
    assert described["DeadLetterConfig"] == {"Arn": QUEUE}
    assert "Policy" not in described
    assert abs(described["CreationTime"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert events.describe_event_bus(Name=arn)["Name"] == name
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "team", "Value": "shop"}]
    updated = events.update_event_bus(Name=name, Description="all orders")
    assert (updated["Description"], updated["DeadLetterConfig"]) == ("all orders", {"Arn": QUEUE})
    assert [each["Name"] for each in events.list_event_buses(NamePrefix=name)["EventBuses"]] == [name]
    assert refusal(events.create_event_bus, Name=name) == (
        "ResourceAlreadyExistsException",
        f"Event bus {name} already exists.",
    )
    events.delete_event_bus(Name=name)
    events.delete_event_bus(Name=name)
    assert refusal(events.describe_event_bus, Name=name) == (
        "ResourceNotFoundException",
        f"Event bus {name} does not exist.",
    )


def test_the_default_bus_is_there_and_stays(events: Any) -> None:
    assert events.describe_event_bus()["Arn"] == f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    assert "default" in {each["Name"] for each in events.list_event_buses()["EventBuses"]}
    assert refusal(events.delete_event_bus, Name="default") == (
        "ValidationException",
        "Cannot delete event bus default.",
    )


def test_a_bus_with_rules_is_not_deleted(events: Any) -> None:
    name = unique("ruled")
    events.create_event_bus(Name=name)
    events.put_rule(Name="r", EventBusName=name, EventPattern=PATTERN)
    assert refusal(events.delete_event_bus, Name=name)[0] == "ValidationException"
    events.delete_rule(Name="r", EventBusName=name)
    events.delete_event_bus(Name=name)


def test_buses_of_an_account_and_region_are_its_own(bus: Bus, events: Any) -> None:
    name = unique("mine")
    events.create_event_bus(Name=name)
    for other in (bus.client(key_id=OTHER_ACCOUNT), bus.client(region="us-east-1")):
        assert refusal(other.describe_event_bus, Name=name)[0] == "ResourceNotFoundException"
    arn = bus.client(key_id=OTHER_ACCOUNT, region="us-east-1").describe_event_bus()["Arn"]
    assert arn == f"arn:aws:events:us-east-1:{OTHER_ACCOUNT}:event-bus/default"


def test_the_dead_letter_queue_of_a_bus_is_a_queue(events: Any) -> None:
    name = unique("bus")
    wrong = {"Name": name, "DeadLetterConfig": {"Arn": "foo"}}
    reason = "Parameter DeadLetterConfig.Arn is not valid. Reason: Provided Arn is not in correct format."
    assert refusal(events.create_event_bus, **wrong) == ("ValidationException", reason)
    events.create_event_bus(Name=name)
    assert refusal(events.update_event_bus, **wrong) == ("ValidationException", reason)
    assert "DeadLetterConfig" not in events.describe_event_bus(Name=name)


def test_permissions_are_statements_of_the_policy(events: Any) -> None:
    name = unique("permitted")
    arn = events.create_event_bus(Name=name)["EventBusArn"]
    given = {"EventBusName": name, "Action": "events:PutEvents"}
    condition = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}
    events.put_permission(**given, Principal=OTHER_ACCOUNT, StatementId="one")
    events.put_permission(**given, Principal="*", StatementId="all", Condition=condition)
    statements = json.loads(events.describe_event_bus(Name=name)["Policy"])["Statement"]
    assert statements == [
        {
            "Sid": "one",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"},
            "Action": "events:PutEvents",
            "Resource": arn,
        },
        {
            "Sid": "all",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "events:PutEvents",
            "Resource": arn,
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
        },
    ]
    assert refusal(events.remove_permission, EventBusName=name, StatementId="other") == (
        "ResourceNotFoundException",
        "Statement with the provided id does not exist.",
    )
    events.remove_permission(EventBusName=name, RemoveAllPermissions=True)
    assert "Policy" not in events.describe_event_bus(Name=name)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"Action": "events:PutRule", "Principal": "*", "StatementId": "s"}, "ValidationException"),
        ({"Action": "events:PutEvents", "Principal": "*"}, "ValidationException"),
        ({"Policy": "{"}, "ValidationException"),
        ({"Policy": '{"Statement": []}'}, None),
        ({"Policy": '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": 5}]}'}, "ValidationException"),
        ({"Policy": json.dumps({"Statement": [], "Id": "x" * 11_000})}, "PolicyLengthExceededException"),
        ({"EventBusName": "nobody-made-it", "Policy": '{"Statement": []}'}, "ResourceNotFoundException"),
    ],
)
def test_permissions_that_make_no_sense_are_refused(events: Any, request_: dict[str, Any], code: str | None) -> None:
    if code is None:
        events.put_permission(**request_)
        events.remove_permission(RemoveAllPermissions=True)
    else:
        assert refusal(events.put_permission, **request_)[0] == code


# --- rules and targets


def test_a_rule_is_put_described_disabled_enabled_listed_and_deleted(events: Any) -> None:
    name, bus_name = unique("rule"), unique("bus")
    events.create_event_bus(Name=bus_name)
    on_bus = {"Name": name, "EventBusName": bus_name}
    made = events.put_rule(**on_bus, EventPattern=PATTERN, Description="d", RoleArn=ROLE)
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{bus_name}/{name}"
    assert made["RuleArn"] == arn
    described = events.describe_rule(**on_bus)
    del described["ResponseMetadata"]
    assert described == {
        "Name": name,
        "Arn": arn,
        "EventPattern": PATTERN,
        "State": "ENABLED",
        "Description": "d",
        "RoleArn": ROLE,
        "EventBusName": bus_name,
        "CreatedBy": ACCOUNT,
    }
    events.disable_rule(**on_bus)
    assert events.describe_rule(**on_bus)["State"] == "DISABLED"
    events.enable_rule(**on_bus)
    assert [each["State"] for each in events.list_rules(EventBusName=bus_name)["Rules"]] == ["ENABLED"]
    events.delete_rule(**on_bus)
    events.delete_rule(**on_bus)
    assert refusal(events.describe_rule, **on_bus) == (
        "ResourceNotFoundException",
        f"Rule {name} does not exist on EventBus {bus_name}.",
    )


def test_a_rule_put_again_keeps_its_targets_and_loses_what_was_not_given(events: Any) -> None:
    name = unique("again")
    events.put_rule(Name=name, EventPattern=PATTERN, Description="d", State="DISABLED")
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": QUEUE}])
    events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
    described = events.describe_rule(Name=name)
    assert described["ScheduleExpression"] == "rate(1 day)"
    assert described["State"] == "ENABLED"
    assert not {"EventPattern", "Description"} & described.keys()
    assert events.list_targets_by_rule(Rule=name)["Targets"] == [{"Id": "q", "Arn": QUEUE}]


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({}, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."),
        ({"EventPattern": '{"a": 1}'}, "InvalidEventPatternException", "Event pattern is not valid. Reason: "),
        ({"EventPattern": "{"}, "InvalidEventPatternException", "Event pattern is not valid. Reason: "),
        (
            {"ScheduleExpression": "rate(1 minutes)"},
            "ValidationException",
            "Parameter ScheduleExpression is not valid.",
        ),
        (
            {"EventPattern": PATTERN, "RoleArn": "x"},
            "ValidationException",
            "Parameter RoleArn is not valid. Reason: Provided Arn is not in correct format.",
        ),
        (
            {"EventPattern": PATTERN, "EventBusName": "nobody-made-it"},
            "ResourceNotFoundException",
            "Event bus nobody-made-it does not exist.",
        ),
    ],
)
def test_rules_that_make_no_sense_are_refused(events: Any, request_: dict[str, Any], code: str, message: str) -> None:
    found = refusal(events.put_rule, Name="r", **request_)
    assert found[0] == code
    assert found[1] == message or (message.endswith("Reason: ") and found[1].startswith(message))


def test_schedules_run_on_the_default_bus_alone(events: Any) -> None:
    name = unique("bus")
    events.create_event_bus(Name=name)
    assert refusal(events.put_rule, Name="r", EventBusName=name, ScheduleExpression="rate(1 minute)") == (
        "ValidationException",
        "ScheduleExpression is supported only on the default event bus.",
    )


def test_targets_are_put_listed_found_and_removed(events: Any) -> None:
    name = unique("targets")
    events.put_rule(Name=name, EventPattern=PATTERN)
    full = {
        "Id": "full",
        "Arn": QUEUE,
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60},
        "DeadLetterConfig": {"Arn": f"{QUEUE}-dlq"},
        "InputTransformer": {"InputPathsMap": {"id": "$.detail.id"}, "InputTemplate": '{"order": <id>}'},
    }
    answer = events.put_targets(Rule=name, Targets=[full, {"Id": "plain", "Arn": QUEUE}])
    assert (answer["FailedEntryCount"], answer["FailedEntries"]) == (0, [])
    assert events.list_targets_by_rule(Rule=name)["Targets"] == [full, {"Id": "plain", "Arn": QUEUE}]
    assert name in events.list_rule_names_by_target(TargetArn=QUEUE)["RuleNames"]
    assert refusal(events.delete_rule, Name=name) == (
        "ValidationException",
        "Rule can't be deleted since it has targets.",
    )
    removed = events.remove_targets(Rule=name, Ids=["full", "plain", "nobody"])
    assert removed["FailedEntryCount"] == 1
    assert removed["FailedEntries"][0]["ErrorCode"] == "ResourceNotFoundException"
    assert events.list_targets_by_rule(Rule=name)["Targets"] == []
    events.delete_rule(Name=name)


def test_a_sixth_target_is_one_too_many(events: Any) -> None:
    name = unique("five")
    events.put_rule(Name=name, EventPattern=PATTERN)
    events.put_targets(Rule=name, Targets=[{"Id": f"t{number}", "Arn": QUEUE} for number in range(5)])
    events.put_targets(Rule=name, Targets=[{"Id": "t0", "Arn": QUEUE, "Input": "{}"}])
    assert refusal(events.put_targets, Rule=name, Targets=[{"Id": "t5", "Arn": QUEUE}]) == (
        "LimitExceededException",
        "The requested resource exceeds the maximum number allowed.",
    )


@pytest.mark.parametrize(
    "target",
    [
        {"Arn": "no-arn"},
        {"Arn": "arn:aws:s3:::bucket"},
        {"Arn": f"{QUEUE}.fifo"},
        {"Arn": QUEUE, "InputPath": "no path"},
        {"Arn": QUEUE, "Input": "{}", "InputPath": "$.detail"},
    ],
)
def test_targets_that_make_no_sense_are_refused(events: Any, target: dict[str, Any]) -> None:
    name = unique("nonsense")
    events.put_rule(Name=name, EventPattern=PATTERN)
    assert refusal(events.put_targets, Rule=name, Targets=[{"Id": "t", **target}])[0] == "ValidationException"
    assert events.list_targets_by_rule(Rule=name)["Targets"] == []


def test_a_pattern_can_be_tried_on_an_event(events: Any) -> None:
    event = json.dumps({"id": "1", "source": "shop", "detail": {}})
    assert events.test_event_pattern(EventPattern=PATTERN, Event=event)["Result"] is True
    assert events.test_event_pattern(EventPattern='{"source": ["else"]}', Event=event)["Result"] is False
    assert refusal(events.test_event_pattern, EventPattern="{}x", Event="[]")[0] in {
        "InvalidEventPatternException",
        "ValidationException",
    }
    assert refusal(events.test_event_pattern, EventPattern=PATTERN, Event="[]")[0] == "ValidationException"


# --- connections and API destinations


def test_a_connection_never_tells_its_secrets(events: Any) -> None:
    name = unique("connection")
    parameters = {
        "HeaderParameters": [
            {"Key": "x-team", "Value": "shop", "IsValueSecret": False},
            {"Key": "x-token", "Value": "hush", "IsValueSecret": True},
        ]
    }
    made = events.create_connection(
        Name=name,
        AuthorizationType="API_KEY",
        AuthParameters={**API_KEY, "InvocationHttpParameters": parameters},
    )
    assert made["ConnectionState"] == "AUTHORIZED"
    assert made["ConnectionArn"].startswith(f"arn:aws:events:{REGION}:{ACCOUNT}:connection/{name}/")
    described = events.describe_connection(Name=name)
    assert "hush" not in json.dumps(described, default=str)
    assert described["AuthParameters"] == {
        "ApiKeyAuthParameters": {"ApiKeyName": "x-api-key"},
        "InvocationHttpParameters": {
            "HeaderParameters": [
                {"Key": "x-team", "Value": "shop", "IsValueSecret": False},
                {"Key": "x-token", "IsValueSecret": True},
            ]
        },
    }
    assert described["SecretArn"].startswith(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:events!connection/")
    assert [each["Name"] for each in events.list_connections(NamePrefix=name)["Connections"]] == [name]


def test_a_connection_is_updated_deauthorized_and_deleted(events: Any) -> None:
    name = unique("connection")
    basic = {"BasicAuthParameters": {"Username": "u", "Password": "p"}}
    events.create_connection(Name=name, AuthorizationType="BASIC", AuthParameters=basic)
    assert refusal(events.create_connection, Name=name, AuthorizationType="BASIC", AuthParameters=basic)[0] == (
        "ResourceAlreadyExistsException"
    )
    events.update_connection(Name=name, AuthParameters={"BasicAuthParameters": {"Username": "u2"}})
    shown = events.describe_connection(Name=name)["AuthParameters"]
    assert shown == {"BasicAuthParameters": {"Username": "u2"}}
    oauth = {
        "OAuthParameters": {
            "ClientParameters": {"ClientID": "id", "ClientSecret": "hush"},
            "AuthorizationEndpoint": "https://example.com/token",
            "HttpMethod": "POST",
            "OAuthHttpParameters": {"BodyParameters": [{"Key": "scope", "Value": "all", "IsValueSecret": False}]},
        }
    }
    events.update_connection(Name=name, AuthorizationType="OAUTH_CLIENT_CREDENTIALS", AuthParameters=oauth)
    shown = events.describe_connection(Name=name)["AuthParameters"]
    assert shown["OAuthParameters"]["ClientParameters"] == {"ClientID": "id"}
    assert events.deauthorize_connection(Name=name)["ConnectionState"] == "DEAUTHORIZED"
    assert events.describe_connection(Name=name)["ConnectionState"] == "DEAUTHORIZED"
    assert events.delete_connection(Name=name)["ConnectionState"] == "DELETING"
    assert refusal(events.describe_connection, Name=name) == (
        "ResourceNotFoundException",
        f"Failed to describe the connection(s). Connection '{name}' does not exist.",
    )


@pytest.mark.parametrize(
    "request_",
    [
        {"AuthorizationType": "BASIC", "AuthParameters": API_KEY},
        {"AuthorizationType": "API_KEY", "AuthParameters": {}},
        {
            "AuthorizationType": "API_KEY",
            "AuthParameters": API_KEY,
            "InvocationConnectivityParameters": {"ResourceParameters": {"ResourceConfigurationArn": ""}},
        },
    ],
)
def test_connections_that_make_no_sense_are_refused(events: Any, request_: dict[str, Any]) -> None:
    assert refusal(events.create_connection, Name=unique("c"), **request_)[0] == "ValidationException"


def test_an_api_destination_is_created_updated_listed_and_deleted(events: Any) -> None:
    name = unique("destination")
    connection = events.create_connection(Name=name, AuthorizationType="API_KEY", AuthParameters=API_KEY)
    arn = connection["ConnectionArn"]
    endpoint = {"InvocationEndpoint": "https://example.com/orders/*", "HttpMethod": "POST"}
    made = events.create_api_destination(Name=name, ConnectionArn=arn, **endpoint)
    assert made["ApiDestinationState"] == "ACTIVE"
    assert made["ApiDestinationArn"].startswith(f"arn:aws:events:{REGION}:{ACCOUNT}:api-destination/{name}/")
    events.update_api_destination(Name=name, HttpMethod="PUT", InvocationRateLimitPerSecond=5, Description="d")
    described = events.describe_api_destination(Name=name)
    assert (described["HttpMethod"], described["InvocationRateLimitPerSecond"]) == ("PUT", 5)
    assert described["InvocationEndpoint"] == endpoint["InvocationEndpoint"]
    assert [each["Name"] for each in events.list_api_destinations(ConnectionArn=arn)["ApiDestinations"]] == [name]
    events.deauthorize_connection(Name=name)
    assert events.describe_api_destination(Name=name)["ApiDestinationState"] == "INACTIVE"
    events.delete_api_destination(Name=name)
    assert refusal(events.describe_api_destination, Name=name) == (
        "ResourceNotFoundException",
        f"Failed to describe the api-destination(s). An api-destination '{name}' does not exist.",
    )
    unknown = arn.replace(name, "unknown")
    assert refusal(events.create_api_destination, Name=name, ConnectionArn=unknown, **endpoint)[0] == (
        "ResourceNotFoundException"
    )


@pytest.mark.parametrize("endpoint", ["ftp://example.com/x", "http", "http:///x", "https://*.example.com/"])
def test_an_endpoint_that_cannot_be_called_is_refused(events: Any, endpoint: str) -> None:
    name = unique("destination")
    arn = events.create_connection(Name=name, AuthorizationType="API_KEY", AuthParameters=API_KEY)["ConnectionArn"]
    fine = {"Name": name, "ConnectionArn": arn, "HttpMethod": "POST", "InvocationEndpoint": "https://example.com"}
    code, message = refusal(events.create_api_destination, **{**fine, "InvocationEndpoint": endpoint})
    assert (code, message.partition(" Reason:")[0]) == (
        "ValidationException",
        "Parameter InvocationEndpoint is not valid.",
    )
    events.create_api_destination(**fine)
    assert refusal(events.update_api_destination, Name=name, InvocationEndpoint=endpoint) == (code, message)
    client = {"ClientID": "id", "ClientSecret": "hush"}
    oauth = {"ClientParameters": client, "AuthorizationEndpoint": endpoint, "HttpMethod": "POST"}
    kind = {"AuthorizationType": "OAUTH_CLIENT_CREDENTIALS", "AuthParameters": {"OAuthParameters": oauth}}
    code, message = refusal(events.update_connection, Name=name, **kind)
    assert (code, message.partition(" Reason:")[0]) == (
        "ValidationException",
        "Parameter AuthorizationEndpoint is not valid.",
    )


# --- archives and replays


def test_what_an_archive_kept_is_replayed(events: Any) -> None:
    name = unique("archive")
    bus_arn = events.create_event_bus(Name=name)["EventBusArn"]
    made = events.create_archive(ArchiveName=name, EventSourceArn=bus_arn, EventPattern=PATTERN, RetentionDays=1)
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:archive/{name}"
    assert (made["ArchiveArn"], made["State"]) == (arn, "ENABLED")
    rule_arn = events.put_rule(Name="r", EventBusName=name, EventPattern=PATTERN)["RuleArn"]
    begin = datetime.now(UTC) - timedelta(minutes=1)
    events.put_events(Entries=[entry(EventBusName=name), entry(EventBusName=name, Source="else")])
    described = events.describe_archive(ArchiveName=name)
    assert described["EventCount"] == 1
    assert described["SizeBytes"] > 0
    request = {
        "EventSourceArn": arn,
        "EventStartTime": begin,
        "EventEndTime": begin + timedelta(minutes=5),
        "Destination": {"Arn": bus_arn, "FilterArns": [rule_arn]},
    }
    started = events.start_replay(ReplayName=name, **request)
    assert started["State"] == "STARTING"
    wait_until(lambda: events.describe_replay(ReplayName=name)["State"] == "COMPLETED", 20, "the replay")
    replay = events.describe_replay(ReplayName=name)
    assert replay["Destination"] == request["Destination"]
    assert replay["ReplayEndTime"] >= replay["ReplayStartTime"]
    assert replay["EventLastReplayedTime"]
    assert [each["ReplayName"] for each in events.list_replays(EventSourceArn=arn)["Replays"]] == [name]
    assert refusal(events.start_replay, ReplayName=name, **request)[0] == "ResourceAlreadyExistsException"
    assert refusal(events.cancel_replay, ReplayName=name)[0] == "IllegalStatusException"
    assert events.describe_archive(ArchiveName=name)["EventCount"] == 1, "a replayed event isn't archived again"


def test_an_archive_is_updated_listed_and_deleted(events: Any) -> None:
    name = unique("archive")
    bus_arn = events.describe_event_bus()["Arn"]
    request = {"ArchiveName": name, "EventSourceArn": bus_arn, "Description": "d"}
    events.create_archive(**request)
    assert refusal(events.create_archive, **request) == (
        "ResourceAlreadyExistsException",
        f"Archive {name} already exists.",
    )
    assert events.update_archive(ArchiveName=name, RetentionDays=3)["ArchiveArn"].endswith(name)
    described = events.describe_archive(ArchiveName=name)
    assert (described["RetentionDays"], described["Description"]) == (3, "d")
    found = events.list_archives(EventSourceArn=bus_arn, NamePrefix=name, State="ENABLED")["Archives"]
    assert [each["ArchiveName"] for each in found] == [name]
    events.delete_archive(ArchiveName=name)
    assert refusal(events.delete_archive, ArchiveName=name) == (
        "ResourceNotFoundException",
        f"Archive {name} does not exist.",
    )


def test_a_replay_can_be_cancelled_while_it_runs(events: Any) -> None:
    name = unique("cancelled")
    bus_arn = events.create_event_bus(Name=name)["EventBusArn"]
    events.create_archive(ArchiveName=name, EventSourceArn=bus_arn)
    for _ in range(60):
        events.put_events(Entries=[entry(EventBusName=name)] * 10)
    now = datetime.now(UTC)
    events.start_replay(
        ReplayName=name,
        EventSourceArn=f"arn:aws:events:{REGION}:{ACCOUNT}:archive/{name}",
        EventStartTime=now - timedelta(minutes=5),
        EventEndTime=now + timedelta(minutes=5),
        Destination={"Arn": bus_arn},
    )
    ends = {"CANCELLING": "CANCELLED", "IllegalStatusException": "COMPLETED"}  # the latter: it was quicker
    end = ends[state_or_code(events.cancel_replay, ReplayName=name)]
    wait_until(lambda: events.describe_replay(ReplayName=name)["State"] == end, 20, end)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"EventEndTime": 0}, "EventStartTime must be before EventEndTime."),
        ({"EventSourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:archive/none"}, "Archive none does not exist."),
        ({"Destination": {"Arn": "other"}}, "Cross event bus replay is not permitted."),
        ({"Destination": {"Arn": "same", "FilterArns": ["arn:aws:events:x:y:rule/z"]}}, "is no rule of the event bus."),
    ],
)
def test_replays_that_make_no_sense_are_refused(events: Any, changed: dict[str, Any], message: str) -> None:
    name = unique("nonsense")
    same = events.create_event_bus(Name=name)["EventBusArn"]
    other = events.describe_event_bus()["Arn"]
    events.create_archive(ArchiveName=name, EventSourceArn=same)
    request: dict[str, Any] = {
        "EventSourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:archive/{name}",
        "EventStartTime": 1,
        "EventEndTime": time.time(),
        "Destination": {"Arn": "same"},
        **changed,
    }
    request["Destination"]["Arn"] = {"same": same, "other": other}.get(request["Destination"]["Arn"], same)
    code, found = refusal(events.start_replay, ReplayName=name, **request)
    assert code == "ValidationException"
    assert found.endswith(message)


# --- tags, pages, absent operations


def test_tags_are_set_and_removed(events: Any) -> None:
    name = unique("tagged")
    arn = events.put_rule(Name=name, EventPattern=PATTERN, Tags=[{"Key": "a", "Value": "1"}])["RuleArn"]
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": ""}])
    expected = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == expected
    events.untag_resource(ResourceARN=arn, TagKeys=["a", "zzz"])
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": ""}]
    assert refusal(events.list_tags_for_resource, ResourceARN=f"{arn}x") == (
        "ResourceNotFoundException",
        f"Rule {name}x does not exist on EventBus default.",
    )
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    assert refusal(events.tag_resource, ResourceARN=arn, Tags=many)[0] == "ValidationException"


def test_tags_of_another_account_or_region_are_out_of_reach(bus: Bus, events: Any) -> None:
    name = unique("theirs")
    bus_arn = events.create_event_bus(Name=name)["EventBusArn"]
    rule_arn = events.put_rule(Name="r", EventBusName=name, EventPattern=PATTERN)["RuleArn"]
    connection = events.create_connection(Name=name, AuthorizationType="API_KEY", AuthParameters=API_KEY)
    arns = [bus_arn, rule_arn, connection["ConnectionArn"]]
    tags = [{"Key": "mine", "Value": "yes"}]
    refused = {"ResourceNotFoundException", "AccessDeniedException"}
    for other in (bus.client(key_id=OTHER_ACCOUNT), bus.client(region="us-east-1")):
        for arn in arns:
            assert refusal(other.tag_resource, ResourceARN=arn, Tags=tags)[0] in refused
            assert refusal(other.untag_resource, ResourceARN=arn, TagKeys=["mine"])[0] in refused
            assert refusal(other.list_tags_for_resource, ResourceARN=arn)[0] in refused
    assert [events.list_tags_for_resource(ResourceARN=arn)["Tags"] for arn in arns] == [[], [], []]
    unusual = rule_arn.replace(f"rule/{name}/", f"rule/{name}//")
    assert refusal(events.tag_resource, ResourceARN=unusual, Tags=tags)[0] == "ResourceNotFoundException"


def test_every_paginator_goes_through_all_pages(events: Any) -> None:
    name = unique("paged")
    events.create_event_bus(Name=name)
    rules = [f"r{number:02}" for number in range(7)]
    for rule in rules:
        events.put_rule(Name=rule, EventBusName=name, EventPattern=PATTERN)
        events.put_targets(Rule=rule, EventBusName=name, Targets=[{"Id": f"t{n}", "Arn": QUEUE} for n in range(5)])
    on_bus = {"EventBusName": name, "PaginationConfig": {"PageSize": 2}}
    asked = {
        "list_rules": ({**on_bus}, "Rules", 7),
        "list_rule_names_by_target": ({**on_bus, "TargetArn": QUEUE}, "RuleNames", 7),
        "list_targets_by_rule": ({**on_bus, "Rule": "r00"}, "Targets", 5),
    }
    for operation, (request, field, count) in asked.items():
        pages = list(events.get_paginator(operation).paginate(**request))
        assert len(pages) == (count + 1) // 2
        assert sum(len(page[field]) for page in pages) == count
    methods = events.meta.method_to_api_mapping
    assert sorted(method for method in methods if events.can_paginate(method)) == sorted(asked)


def test_a_token_of_another_list_is_refused(events: Any) -> None:
    for number in range(2):
        events.create_event_bus(Name=unique(f"token{number}"))
    token = events.list_event_buses(Limit=1)["NextToken"]
    assert refusal(events.list_rules, NextToken=token)[0] == "ValidationException"
    assert refusal(events.list_event_buses, NextToken="guess")[0] == "ValidationException"


@pytest.mark.parametrize("operation", sorted(ABSENT))
def test_absent_operations_say_so(events: Any, operation: str) -> None:
    method = next(name for name, called in events.meta.method_to_api_mapping.items() if called == operation)
    code, message = refusal(getattr(events, method))
    assert code == "UnknownOperationException"
    assert message.startswith(f"{operation} is not offered by this event bus")


def test_every_operation_is_called_above(events: Any) -> None:
    used = {node.attr for node in ast.walk(ast.parse(Path(__file__).read_text())) if isinstance(node, ast.Attribute)}
    used |= {"list_rules", "list_rule_names_by_target", "list_targets_by_rule"}  # by the paginators
    methods = events.meta.method_to_api_mapping
    assert {methods[name] for name in used if name in methods} >= set(OPERATIONS)
