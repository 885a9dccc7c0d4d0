from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eventbus.subscribers import Subscriber, load
from schemas.errors import UserError

TARGET: dict[str, Any] = {"id": "t", "queue": "cases"}
FILE: dict[str, Any] = {
    "description": "d",
    "bus": "cardwatch",
    "rule": "r",
    "pattern": {"source": ["s"]},
    "targets": [TARGET],
}
WEBHOOK: dict[str, Any] = {
    "url": "${HOOK_URL:-http://127.0.0.1:4020/in}",
    "apiKey": {"header": "x-api-key", "value": "${HOOK_KEY}"},
}


def read(*, environment: dict[str, str] | None = None, **changes: Any) -> Subscriber:
    return Subscriber.read(json.dumps(FILE | changes), "r.json", environment or {})


def read_target(*, environment: dict[str, str] | None = None, **changes: Any) -> Subscriber:
    return read(environment=environment, targets=[{"id": "t", **changes}])


def test_what_is_left_out_is_what_eventbridge_takes_for_it() -> None:
    (target,) = read().targets
    assert (target.retry.attempts, target.retry.maxAgeSeconds, target.deadLetterQueue) == (185, 86_400, None)
    (hook,) = read_target(webhook=WEBHOOK, environment={"HOOK_KEY": "k"}).targets
    assert hook.webhook
    assert (hook.webhook.method, hook.webhook.ratePerSecond) == ("POST", 300)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pattern": {}}, "pattern: Dictionary should have at least 1 item"),
        ({"pattern": {"source": "s"}}, "r.json: pattern: Event pattern is not valid. Reason: "),
        ({"pattern": {"detail": {"value": []}}}, "r.json: pattern: Event pattern is not valid"),
        ({"schedule": "rate(1 minute)"}, "has both pattern and schedule"),
        ({"pattern": None}, "has both pattern and schedule, or neither"),
        (
            {"pattern": None, "schedule": "rate(1 minute)"},
            "schedule: rules run on a schedule on the bus 'default' only",
        ),
        ({"pattern": None, "schedule": "often", "bus": "default"}, "schedule: "),
        ({"targets": []}, "targets: List should have at least 1 item"),
        ({"targets": [{**TARGET, "id": str(n)} for n in range(6)]}, "targets: List should have at most 5 items"),
        ({"targets": [TARGET, TARGET]}, "targets: 2 targets share ids (t): make them differ"),
        ({"targets": [{"id": "t"}]}, "targets.0: has no place to go: name one of logGroup, queue, webhook, bus, arn"),
        ({"targets": [{**TARGET, "bus": "b"}]}, "targets.0: has queue and bus: name one of"),
        ({"targets": [{"id": "t", "logGroup": "/other"}]}, "targets.0.logGroup: String should match"),
        ({"targets": [{"id": "t", "arn": "cases"}]}, "targets.0.arn: String should match"),
        ({"targets": [{**TARGET, "deadLetterQueue": "a b"}]}, "targets.0.deadLetterQueue: String should match"),
        ({"targets": [{**TARGET, "deadLetterQueue": "a.fifo"}]}, "targets.0.deadLetterQueue: String should match"),
        ({"targets": [{"id": "t", "queue": "a.fifo"}]}, "targets.0: messageGroup is missing: the FIFO queue a.fifo"),
        ({"targets": [{"id": "t", "bus": "b", "messageGroup": "g"}]}, "targets.0: has a messageGroup, which is for"),
        ({"bus": "a/b"}, "bus: String should match"),
        ({"targets": [{**TARGET, "retry": {"attempts": 186}}]}, "targets.0.retry.attempts: Input should be less than"),
        ({"targets": [{**TARGET, "retry": {"attempts": -1}}]}, "targets.0.retry.attempts: Input should be greater"),
        (
            {"targets": [{**TARGET, "retry": {"attempts": "3"}}]},
            "targets.0.retry.attempts: Input should be a valid int",
        ),
        ({"targets": [{**TARGET, "retry": {"maxAgeSeconds": 59}}]}, "targets.0.retry.maxAgeSeconds: Input should be g"),
        ({"targets": [{**TARGET, "retry": {"maxAgeSeconds": 86_401}}]}, "targets.0.retry.maxAgeSeconds: Input should"),
        ({"targets": [{**TARGET, "input": {}, "inputPath": "$"}]}, "targets.0: has input and inputPath: keep one"),
        ({"targets": [{**TARGET, "speed": 3}]}, "targets.0.speed: Extra inputs are not permitted"),
        ({"bus": "a b"}, "bus: String should match"),
        ({"rule": 7}, "rule: Input should be a valid string"),
        ({"state": "off"}, "state: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_file_is_named_with_the_field(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(**change)
    assert str(caught.value).startswith("r.json: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("http://127.0.0.1:4020/in", True),
        ("https://example.com", True),
        ("https://example.com/a/*/b?c=d", True),
        ("example.com", False),
        ("ftp://example.com", False),
        ("http:///in", False),
        ("http://example.com/a b", False),
    ],
)
def test_the_address_of_a_webhook_is_a_url(url: str, fine: bool) -> None:  # noqa: FBT001 - a column of the table above
    environment = {"HOOK_KEY": "k", "HOOK_URL": url}
    if fine:
        read_target(webhook=WEBHOOK, environment=environment)
    else:
        with pytest.raises(UserError, match=r"targets\.0\.webhook\.url: String should match"):
            read_target(webhook=WEBHOOK, environment=environment)


def test_variables_are_replaced_where_the_default_is_not_wanted() -> None:
    environment = {"HOOK_KEY": "s3cret", "HOOK_URL": "https://example.com/hook", "EMPTY": ""}
    hook = read_target(webhook=WEBHOOK, environment=environment).targets[0].webhook
    assert hook
    assert (hook.url, hook.apiKey.value.get_secret_value()) == ("https://example.com/hook", "s3cret")
    assert read(bus="${EMPTY:-b}-${HOOK_KEY}", environment=environment).bus == "b-s3cret"


@pytest.mark.parametrize("environment", [{}, {"HOOK_KEY": ""}])
def test_a_variable_without_a_value_and_without_a_default_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(UserError) as caught:
        read_target(webhook=WEBHOOK, environment=environment)
    assert str(caught.value).startswith("r.json: targets.0.webhook.apiKey.value needs the variable HOOK_KEY: set it")


def test_patterns_and_inputs_are_taken_as_they_are() -> None:
    subscriber = read(
        pattern={"detail": {"price": ["${HOOK_KEY}"]}}, targets=[{**TARGET, "input": {"costs": "${HOOK_KEY}"}}]
    )
    assert subscriber.pattern == {"detail": {"price": ["${HOOK_KEY}"]}}
    assert subscriber.targets[0].input == {"costs": "${HOOK_KEY}"}


def test_a_key_is_in_no_message_and_in_no_representation() -> None:
    environment = {"HOOK_KEY": "s3cret" * 100}
    with pytest.raises(UserError) as caught:
        read_target(webhook=WEBHOOK, environment=environment)
    assert "targets.0.webhook.apiKey.value" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(read_target(webhook=WEBHOOK, environment={"HOOK_KEY": "s3cret"}))


def test_a_file_that_is_no_json_is_named() -> None:
    with pytest.raises(UserError, match=r"r\.json is not valid JSON: Expecting"):
        Subscriber.read("{", "r.json", {})
    with pytest.raises(UserError, match=r"r\.json: Input should be an object"):
        Subscriber.read("[]", "r.json", {})


@pytest.mark.parametrize("text", ["[" * 100_000, '{"description": ' * 100_000])
def test_a_file_that_is_nested_too_deeply_is_named(text: str) -> None:
    with pytest.raises(UserError, match=r"r\.json is nested too deeply"):
        Subscriber.read(text, "r.json", {})


def test_a_file_in_another_encoding_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes('{"description": "für"}'.encode("latin-1"))
    with pytest.raises(UserError, match=r"latin\.json is no UTF-8, byte 18: save it as UTF-8"):
        load(tmp_path, {})


def test_a_field_that_stands_there_twice_is_refused() -> None:
    with pytest.raises(UserError, match=r"r\.json: bus stands there twice"):
        Subscriber.read('{"bus": "a", "bus": "b"}', "r.json", {})


def test_two_files_with_the_same_rule_on_the_same_bus_are_refused(tmp_path: Path) -> None:
    for name, bus in (("a.json", "one"), ("b.json", "two"), ("c.json", "one")):
        (tmp_path / name).write_text(json.dumps(FILE | {"bus": bus}))
    with pytest.raises(UserError, match=r"a\.json and c\.json both make rule 'r' on bus 'one': rename one"):
        load(tmp_path, {})


def test_files_are_loaded_by_name_and_others_left_alone(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "notes.txt"):
        (tmp_path / name).write_text(json.dumps(FILE | {"rule": name}))
    assert [each.file for each in load(tmp_path, {})] == ["a.json", "b.json"]
    assert load(tmp_path / ".", {})[0].queues == ("cases",)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"the subscribers in .*absent can't be read: .*Name another folder"):
        load(tmp_path / "absent", {})


def test_queues_are_those_of_targets_and_of_dead_letters_each_once() -> None:
    targets = [
        {"id": "a", "queue": "cases", "deadLetterQueue": "dead"},
        {"id": "b", "logGroup": "/aws/events/x", "deadLetterQueue": "dead"},
    ]
    assert read(targets=targets).queues == ("cases", "dead")
