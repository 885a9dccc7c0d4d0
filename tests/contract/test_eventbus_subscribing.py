"""Subscriber files on a real bus: what they make, seen through boto3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from demo.process import HOST
from demo.webhook import PATH, Receiver, serving
from eventbus.provision import TAG
from tests.eventbus_server import Bus, running_bus
from tests.harness import ROOT, wait_until

KEY = "key of the webhook"
SUBSCRIBERS = "infra/eventbridge"


def write(folder: Path, name: str, targets: list[dict[str, Any]], **changes: Any) -> None:
    folder.mkdir(exist_ok=True)
    whole = {"description": "d", "bus": "cardwatch", "rule": name, "pattern": {"source": ["s"]}, "targets": targets}
    (folder / f"{name}.json").write_text(json.dumps(whole | changes))


def hook(**changes: Any) -> dict[str, Any]:
    api_key = {"header": "x-api-key", "value": "${HOOK_KEY}"}
    return {"id": "hook", "webhook": {"url": "${HOOK_URL:-http://127.0.0.1:9/in}", "apiKey": api_key}, **changes}


def rules(bus: Bus, name: str = "cardwatch") -> list[str]:
    return [rule["Name"] for rule in bus.client().list_rules(EventBusName=name)["Rules"]]


def test_the_projects_own_file_becomes_a_rule_with_three_targets(tmp_path: Path) -> None:
    with running_bus(tmp_path, "--subscribers", str(ROOT / SUBSCRIBERS)) as bus:
        events = bus.client()
        rule = events.describe_rule(Name="suspicious-activity", EventBusName="cardwatch")
        declared = json.loads((ROOT / SUBSCRIBERS / "suspicious-activity.json").read_text())
        assert json.loads(rule["EventPattern"]) == declared["pattern"]
        tags = events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
        assert tags == [{"Key": TAG, "Value": "suspicious-activity.json"}]
        targets = events.list_targets_by_rule(Rule="suspicious-activity", EventBusName="cardwatch")["Targets"]
        assert [target["Id"] for target in targets] == ["log-group", "queue", "webhook"]
        assert all("DeadLetterConfig" in target for target in targets)
        destination = events.describe_api_destination(Name="cardwatch-suspicious-activity-webhook")
        assert destination["ApiDestinationArn"] == targets[2]["Arn"]


def test_a_webhook_gets_the_event_with_its_key_and_the_key_is_in_no_answer_and_no_log(tmp_path: Path) -> None:
    receiver, folder = Receiver(KEY), tmp_path / "files"
    write(folder, "one", [hook(inputPath="$.detail")])
    with (
        serving(receiver, HOST) as url,
        running_bus(tmp_path, "--subscribers", str(folder), HOOK_URL=url, HOOK_KEY=KEY) as bus,
    ):
        entry = {"Source": "s", "DetailType": "t", "Detail": '{"n": 1}', "EventBusName": "cardwatch"}
        assert bus.client().put_events(Entries=[entry])["FailedEntryCount"] == 0
        wait_until(lambda: receiver.events, what="the event at the webhook")
        connection = bus.client().describe_connection(Name="cardwatch-one-hook")
        assert KEY not in repr(connection)
        assert KEY not in bus.service.log
        assert url.endswith(PATH)


def test_files_win_at_each_start_and_what_people_made_stays(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    write(folder, "one", [hook(), {"id": "queue", "queue": "q"}])
    write(folder, "two", [{"id": "queue", "queue": "q"}], bus="another")
    options = ("--data", str(tmp_path / "kept"), "--subscribers", str(folder))
    with running_bus(tmp_path / "first", *options, HOOK_KEY=KEY) as bus:
        events = bus.client()
        events.put_rule(Name="by-hand", EventBusName="cardwatch", EventPattern='{"source": ["h"]}')
        events.disable_rule(Name="one", EventBusName="cardwatch")
    write(folder, "one", [{"id": "queue", "queue": "other"}])
    (folder / "two.json").unlink()
    with running_bus(tmp_path / "second", *options) as bus:
        events = bus.client()
        assert (rules(bus), rules(bus, "another")) == (["by-hand", "one"], [])
        assert events.describe_rule(Name="one", EventBusName="cardwatch")["State"] == "ENABLED"
        (target,) = events.list_targets_by_rule(Rule="one", EventBusName="cardwatch")["Targets"]
        assert target["Arn"].endswith(":other")
        assert events.list_api_destinations()["ApiDestinations"] == events.list_connections()["Connections"] == []
        assert '"file": "two.json"' in bus.service.log
        assert "subscriber removed" in bus.service.log


def test_a_wrong_file_ends_the_bus_with_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    write(folder, "one", [hook()])
    with pytest.raises(pytest.fail.Exception) as caught, running_bus(tmp_path, "--subscribers", str(folder)):
        pass
    assert "ended with 2" in str(caught.value)
    assert "error: one.json: targets.0.webhook.apiKey.value needs the variable HOOK_KEY" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_the_files_of_the_project_are_loaded_unless_told_otherwise(tmp_path: Path) -> None:
    with running_bus(tmp_path, EVENTBUS_SUBSCRIBERS=SUBSCRIBERS) as bus:
        assert bus.client().list_rules(EventBusName="cardwatch")["Rules"]
    with running_bus(tmp_path / "none", "--subscribers", "none") as bus:
        assert [each["Name"] for each in bus.client().list_event_buses()["EventBuses"]] == ["default"]


def test_the_log_is_the_buss_own(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    write(folder, "one", [{"id": "queue", "queue": "q"}])
    with running_bus(tmp_path, "--subscribers", str(folder)) as bus:
        entry = {"Source": "s", "DetailType": "t", "Detail": "{}", "EventBusName": "cardwatch"}
        bus.client().put_events(Entries=[entry])
        wait_until(lambda: "CONNECTION_FAILURE" in json.dumps(bus.page("/_bus/targets")), what="an attempt")
        assert "Found endpoint" not in bus.service.log
