"""Explaining: which bus, which rule, which field, how far each delivery came; in words too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eventbus.ports import DELIVERED, Outcome
from eventbus.tell import told
from tests.eventbus_engine import SCOPE, Rig, dead_letters, policy, target

BUSY = Outcome("THROTTLING", "too many")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = await Rig(tmp_path).start()
    yield made
    await made.engine.close()


async def explained(rig: Rig, event_id: str) -> dict[str, Any]:
    found = await rig.engine.why.explain(event_id)
    assert found is not None
    assert len(found["occurrences"]) == 1
    occurrence: dict[str, Any] = found["occurrences"][0]
    return occurrence


async def test_each_rule_says_whether_it_matched_or_which_field_failed(rig: Rig) -> None:
    rig.sender()
    await rig.rule(target(), name="shop")
    await rig.rule(target(), name="bank", pattern='{"source": ["bank"], "detail": {"n": ["e"]}}')
    await rig.rule(target(), name="off", state="DISABLED")
    await rig.rule(target(), name="daily", pattern=None, schedule="rate(1 day)")
    await rig.rule(name="aimless")
    rig.time.advance(1)
    await rig.put("e")
    await rig.until(lambda: rig.engine.lanes.pending == 0)
    await rig.flushed()
    found = await explained(rig, "e")
    assert found["bus"] == "orders"
    assert found["verdict"] == "1 target(s): 1 delivered"
    rules = {rule["rule"]: rule for rule in found["rules"]}
    assert {name: rule["result"] for name, rule in rules.items()} == {
        "shop": "matched",
        "bank": "not matched",
        "off": "disabled",
        "daily": "fires on its schedule, has no pattern",
        "aimless": "matched, but has no targets",
    }
    assert rules["bank"]["why"] == [{"field": "source", "wanted": '["bank"]', "found": '"shop"'}]
    delivery = rules["shop"]["targets"][0]
    assert (delivery["state"], delivery["attempts"], delivery["error_code"]) == ("delivered", 1, None)


async def test_a_delivery_that_waits_says_how_often_it_was_tried_and_when_it_is_again(rig: Rig) -> None:
    rig.sender(answer=lambda _: BUSY)
    await rig.rule(target())
    await rig.put("e")
    await rig.until(lambda: rig.summary()["error_code"] is not None)
    await rig.flushed()
    text = told({"event": "e", "occurrences": [await explained(rig, "e")]})
    assert "target t: waiting, 1 attempt(s), next one 2025-" in text
    assert "THROTTLING: too many" in text


async def test_a_delivery_that_failed_says_why_and_which_limit_ended_it(rig: Rig) -> None:
    rig.sender(answer=lambda _: BUSY)
    await rig.rule(target(**policy(attempts=1), **dead_letters()))
    await rig.put("e")
    await rig.until(lambda: bool(rig.senders.dead))
    await rig.flushed()
    text = told({"event": "e", "occurrences": [await explained(rig, "e")]})
    assert "1 target(s): 1 dead-lettered" in text
    assert "dead-lettered, 2 attempt(s), MaximumRetryAttempts reached" in text


async def test_a_bus_that_is_not_there_is_named_with_those_that_are(rig: Rig) -> None:
    await rig.rule(target())
    await rig.put("e", bus_arn=SCOPE.bus("order"))
    assert (await explained(rig, "e"))["verdict"] == (
        "There is no bus order in this account and region, so the event went nowhere, as on AWS."
        " There are: default, orders. Did you mean orders?"
    )


async def test_a_rule_that_was_changed_since_says_so(rig: Rig) -> None:
    rule = await rig.rule(target(), pattern='{"source": ["bank"]}')
    await rig.put("e")
    rig.time.advance(5)
    await rig.engine.catalogue.save(replace(rule, pattern='{"source": ["shop"]}'))
    found = await explained(rig, "e")
    only = found["rules"][0]
    assert only["changed_since"]
    assert only["result"] == "would match now, but was changed after the event came"


async def test_a_rule_that_was_removed_since_is_named(rig: Rig) -> None:
    rig.sender()
    rule = await rig.rule(target())
    await rig.put("e")
    await rig.until(lambda: rig.engine.lanes.pending == 0)
    await rig.flushed()
    await rig.engine.catalogue.remove(rule)
    found = await explained(rig, "e")
    assert found["rules"][0]["result"] == "matched, and was removed since"
    assert found["rules"][0]["targets"][0]["state"] == "delivered"


async def test_the_same_event_on_two_buses_is_told_twice_the_latest_first(rig: Rig) -> None:
    await rig.put("e")
    await rig.put("e", bus_arn=SCOPE.bus("default"), hops=1)
    found = await rig.engine.why.explain("e")
    assert found is not None
    assert [(each["bus"], each["forwarded"]) for each in found["occurrences"]] == [("default", True), ("orders", False)]
    assert "forwarded by another bus" in told(found)


async def test_an_event_that_is_not_known_has_no_explanation(rig: Rig) -> None:
    assert await rig.engine.why.explain("e") is None
    await rig.put("other")
    assert await rig.engine.why.explain("e") is None


async def test_events_that_went_nowhere_are_listed_with_the_rule_that_came_nearest(rig: Rig) -> None:
    rig.sender(answer=lambda _: DELIVERED)
    await rig.rule(target(), name="far", pattern='{"source": ["bank"], "detail-type": ["payment"]}')
    await rig.rule(target(), name="near", pattern='{"source": ["bank"], "detail-type": ["order"]}')
    await rig.put("first", "second")
    await rig.put("matched", source="bank")
    found = await rig.engine.why.unmatched()
    assert [each["event"] for each in found] == ["second", "first"]
    assert found[0]["nearest"] == {
        "rule": "near",
        "why": [{"field": "source", "wanted": '["bank"]', "found": '"shop"'}],
    }
    assert found[0]["verdict"] == "none of the 2 rule(s) of bus orders took the event, so it went nowhere"
