"""Explaining: which bus, which rule, which field, how far each delivery came; in words too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eventbus.explain import iso
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


async def test_a_delivery_that_waits_for_a_target_that_asked_for_it_says_until_when(rig: Rig) -> None:
    sender = rig.sender(answer=lambda _: replace(BUSY, retry_after_s=3600.0))
    await rig.rule(target())
    start_ms = rig.time.now_ms()
    await rig.put("asked")
    await rig.until(lambda: rig.summary()["error_code"] is not None, turn=False)
    await rig.put("behind")
    await rig.flushed()
    assert sender.events == ["asked"]
    waits = {
        event: (await explained(rig, event))["rules"][0]["targets"][0]["next_attempt"] for event in ("asked", "behind")
    }
    assert waits == {"asked": iso(start_ms + 3_600_000), "behind": iso(start_ms + 60_000)}
    text = told({"event": "e", "occurrences": [await explained(rig, "behind")]})
    assert f"0 attempt(s), its target is left alone until {waits['behind']}, next one {waits['behind']}" in text


async def test_a_delivery_that_is_due_names_no_time_that_is_past(rig: Rig) -> None:
    gate = asyncio.Event()
    rig.sender(before=gate.wait)
    await rig.rule(target())
    await rig.put("e")
    rig.time.advance(5)
    text = told({"event": "e", "occurrences": [await explained(rig, "e")]})
    assert "waiting, 0 attempt(s), next one as soon as it is its turn" in text
    gate.set()


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


async def test_a_rule_for_the_events_own_source_is_nearer_than_one_with_fewer_fields(rig: Rig) -> None:
    await rig.rule(target(), name="hang", pattern='{"source": ["hang"]}')
    await rig.rule(target(), name="any", pattern='{"detail": {"n": ["other"]}}')
    await rig.rule(target(), name="one", pattern='{"source": ["shop"], "detail": {"n": [1], "m": [1]}}')
    await rig.rule(
        target(), name="two", pattern='{"source": ["shop"], "detail-type": ["order"], "detail": {"n": [2], "m": [2]}}'
    )
    await rig.put("e")
    found = await rig.engine.why.unmatched()
    assert found[0]["nearest"]["rule"] == "two"
    assert {each["field"] for each in found[0]["nearest"]["why"]} == {"detail.n", "detail.m"}


async def test_a_rule_without_targets_is_told_from_one_that_the_event_was_not_put_for(rig: Rig) -> None:
    await rig.rule(name="aimless")
    await rig.put("e")
    assert (await explained(rig, "e"))["verdict"] == (
        "aimless matched, but has no targets, so the event went nowhere: add one with PutTargets"
    )
    await rig.rule(target(), name="shop")
    rig.time.advance(1)
    await rig.put("again", only_rules=frozenset({SCOPE.rule("other", "orders")}), replay="monday")
    assert (await explained(rig, "again"))["verdict"].startswith("shop would take the event, but ")
