from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from demo.log_group import NAME
from demo.routing import load, parse
from schemas.errors import UserError

RULE: dict[str, Any] = {
    "description": "d",
    "bus": "cardwatch",
    "rule": "r",
    "pattern": {"source": ["s"]},
    "targets": [{"id": "t", "logGroup": "/aws/events/x"}],
}
DESIGN = """{ "detail": { "value": { "eventType": ["suspiciousActivity"], "source": ["transactionAnalyzer"] } },
  "detail-type": [{ "prefix": "kafka-connect-notification" }] }"""


def test_the_routing_rule_is_the_designs_and_leads_to_the_log_group() -> None:
    (rule,) = [rule for rule in load() if rule.rule == "suspicious-activity"]
    assert rule.pattern == json.loads(DESIGN)
    assert rule.bus == "cardwatch"
    assert [target.logGroup for target in rule.targets] == [NAME]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pattern": {}}, "pattern: Dictionary should have at least 1 item"),
        ({"pattern": {"source": "s"}}, "pattern: Value error, pattern.source must be an object or a non-empty array"),
        ({"pattern": {"detail": {"value": []}}}, "pattern.detail.value must be an object or a non-empty array"),
        ({"targets": []}, "targets: List should have at least 1 item"),
        ({"targets": [{"id": "t"}]}, "targets.0.logGroup: Field required"),
        ({"targets": [{"id": "t", "logGroup": "/other"}]}, "targets.0.logGroup: String should match"),
        ({"bus": "a b"}, "bus: String should match"),
        ({"state": "off"}, "state: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_rule_names_the_file_and_the_field(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(json.dumps(RULE | change), "infra/eventbridge/r.json")
    assert str(caught.value).startswith("infra/eventbridge/r.json: ")
    assert message in str(caught.value)


def test_a_file_that_is_no_json_is_named() -> None:
    with pytest.raises(UserError, match=r"r\.json is not valid JSON: Expecting"):
        parse("{", "r.json")


def test_two_rules_of_one_name_on_one_bus_are_refused(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(RULE))
    with pytest.raises(UserError, match="2 files call their rule 'r' on bus 'cardwatch'"):
        load(tmp_path)


def test_a_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no routing rule"):
        load(tmp_path)
