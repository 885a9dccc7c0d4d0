"""The bus's own pages and commands, on a bus that has taken events."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.eventbus_server import Bus, running_bus
from tests.harness import PATIENCE, ROOT, wait_until

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:orders"


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with running_bus(tmp_path_factory.mktemp("bus")) as running:
        events = running.client()
        events.create_event_bus(Name="orders")
        events.put_rule(
            Name="big", EventBusName="orders", EventPattern='{"detail": {"total": [{"numeric": [">", 9]}]}}'
        )
        events.put_targets(Rule="big", EventBusName="orders", Targets=[{"Id": "queue", "Arn": QUEUE}])
        yield running


def put(bus: Bus, detail: str, name: str = "orders") -> str:
    entry = {"Source": "shop", "DetailType": "order", "Detail": detail, "EventBusName": name}
    return str(bus.client().put_events(Entries=[entry])["Entries"][0]["EventId"])


def explain(bus: Bus, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "eventbus", "explain", *args, "--url", bus.url]
    return subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=PATIENCE * 60, check=False
    )


def test_it_says_which_field_failed_against_which_value(bus: Bus) -> None:
    event = put(bus, '{"total": 5}')
    found = bus.page(f"/_bus/explain?event={event}")["occurrences"][0]
    assert found["bus"] == "orders"
    assert found["body"]["detail"] == {"total": 5}
    (rule,) = found["rules"]
    assert (rule["rule"], rule["result"]) == ("big", "not matched")
    (why,) = rule["why"]
    assert (why["field"], why["found"]) == ("detail.total", "5")
    ended = explain(bus, event)
    assert ended.returncode == 0, ended.stderr
    assert "detail.total: wants" in ended.stdout
    listed = bus.page("/_bus/unmatched")["events"]
    assert event in [each["event"] for each in listed]


def test_an_event_that_is_nested_as_deeply_as_it_may_be_is_explained(bus: Bus) -> None:
    events = bus.client()
    for depth in range(1000, 0, -10):
        entry = {"Source": "shop", "DetailType": "deep", "Detail": '{"a":' * depth + "1" + "}" * depth}
        result = events.put_events(Entries=[entry])["Entries"][0]
        if "EventId" in result:
            break
    with urllib.request.urlopen(f"{bus.url}/_bus/explain?event={result['EventId']}", timeout=PATIENCE * 10) as answer:
        assert entry["Detail"] in answer.read().decode()
    for option in ([], ["--json"]):
        ended = explain(bus, result["EventId"], *option)
        assert ended.returncode == 0, ended.stderr
        assert "shop" in ended.stdout


def test_it_says_that_a_bus_is_not_there(bus: Bus) -> None:
    event = put(bus, "{}", "order")
    verdict = bus.page(f"/_bus/explain?event={event}")["occurrences"][0]["verdict"]
    assert "There is no bus order" in verdict
    assert "Did you mean orders?" in verdict


def test_it_says_how_often_a_target_was_tried_and_what_it_said(bus: Bus) -> None:
    event = put(bus, '{"total": 50}')

    def tried() -> bool:
        """Say whether it was, and waits: while it is tried again, the page says so."""
        found = bus.page(f"/_bus/explain?event={event}")["occurrences"][0]["rules"][0]["targets"][0]
        return bool(found["attempts"] and found["error_code"] and found["next_attempt"] and found["state"] == "waiting")

    wait_until(tried, 20, "an attempt")
    (summary,) = bus.page("/_bus/targets")["targets"]
    assert (summary["bus"], summary["rule"], summary["target"]) == ("orders", "big", "queue")
    assert summary["pending"] >= 1
    assert summary["error_code"]


def test_metrics_have_the_services_names(bus: Bus) -> None:
    put(bus, '{"total": 60}')
    with urllib.request.urlopen(f"{bus.url}/_bus/metrics", timeout=PATIENCE * 10) as answer:
        text = answer.read().decode()
    samples = {
        (sample.name, sample.labels.get("EventBusName"))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.value
    }
    assert ("PutEventsApproximateCallCount_total", None) in samples
    assert ("PutEventsEntriesCount_total", "orders") in samples
    assert ("MatchedEvents_total", "orders") in samples


def test_an_unknown_event_and_a_forgotten_id_are_told_apart_from_a_bus_that_is_not_there(bus: Bus) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        bus.page("/_bus/explain?event=nothing")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        bus.page("/_bus/explain")
    ended = explain(bus, "nothing")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert "no event 'nothing'" in ended.stderr


def test_the_bus_is_well(bus: Bus) -> None:
    assert bus.page("/_bus/health") == {"status": "ok"}
    assert "/_bus/metrics" in bus.page("/_bus")
