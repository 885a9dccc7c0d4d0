"""The file that the demo's ledger counts by."""

from __future__ import annotations

import json
from typing import Any

import pytest

from demo.log_group import NAME
from demo.targets import RULE, Watch, named
from demo.webhook import HEADER, KEY, PATH, URL
from eventbus.subscribers import FOLDER, Subscriber, load
from schemas.errors import UserError

DESIGN = """{ "detail": { "value": { "eventType": ["suspiciousActivity"], "source": ["transactionAnalyzer"] } },
  "detail-type": [{ "prefix": "kafka-connect-notification" }] }"""


def test_suspicious_activities_go_by_the_designs_pattern_to_a_log_group_a_queue_and_a_webhook() -> None:
    (found,) = [each for each in load(FOLDER, {}) if each.rule == RULE]
    assert (found.file, found.bus, found.pattern) == ("suspicious-activity.json", "cardwatch", json.loads(DESIGN))
    assert [target.kind for target in found.targets] == ["logGroup", "queue", "webhook"]
    assert found.targets[0].logGroup == NAME
    assert len({target.deadLetterQueue for target in found.targets} - {None}) == 3


def test_the_webhook_is_the_demos_receiver() -> None:
    (found,) = [each for each in load(FOLDER, {URL: f"http://127.0.0.1:1{PATH}", KEY: "k"}) if each.rule == RULE]
    hook = found.targets[2].webhook
    assert hook
    assert (hook.url, hook.apiKey.header) == (f"http://127.0.0.1:1{PATH}", HEADER)
    assert hook.apiKey.value.get_secret_value() == "k"


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


def test_each_target_that_can_be_seen_is_watched_by_its_name() -> None:
    found = load(FOLDER, {})
    assert [each.name for each in Watch(list).targets(found)] == ["log group", "queue", "webhook"]
    assert [each.name for each in Watch(None).targets(found)] == ["log group", "queue"]


def test_a_file_that_is_missing_is_named() -> None:
    other: dict[str, Any] = {"description": "d", "bus": "b", "rule": "r", "pattern": {"source": ["s"]}}
    subscriber = Subscriber.read(json.dumps(other | {"targets": [{"id": "t", "queue": "q"}]}), "r.json", {})
    with pytest.raises(UserError, match=r"restore suspicious-activity\.json"):
        Watch(list).targets([subscriber])


def test_a_target_is_shown_by_its_id() -> None:
    assert named("log-group") == "log group"
