"""Metrics: EventBridge's names, in the form that Prometheus reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from eventbus.arn import Scope
from eventbus.metrics import Metrics
from eventbus.ports import DELIVERED, Outcome
from tests.eventbus_engine import Rig, dead_letters, policy, target


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = await Rig(tmp_path).start()
    yield made
    await made.engine.close()


def series(metrics: Metrics) -> dict[str, float]:
    """Return the value of each series without labels but the rule's name."""
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        f"{sample.name} {sample.labels.get('RuleName', '')}".strip(): sample.value
        for family in families
        for sample in family.samples
        if "le" not in sample.labels
    }


async def test_deliveries_are_counted_under_the_services_names(rig: Rig) -> None:
    answers = [Outcome("THROTTLING"), DELIVERED]
    rig.sender(answer=lambda _: answers.pop(0))
    rig.sender("bad", answer=lambda _: Outcome("THROTTLING"))
    await rig.rule(target(), name="good")
    await rig.rule(target("bad", **policy(attempts=2), **dead_letters()), name="bad")
    await rig.put("e")
    await rig.until(lambda: rig.engine.lanes.pending == 0)
    found = series(rig.engine.metrics)
    assert found["MatchedEvents_total"] == 1
    assert found["TriggeredRules_total good"] == found["InvocationsCreated_total good"] == 1
    assert found["InvocationAttempts_total good"] == 2
    assert found["RetryInvocationAttempts_total good"] == 1
    assert found["SuccessfulInvocationAttempts_total good"] == found["Invocations_total good"] == 1
    assert found["IngestionToInvocationStartLatency_count good"] == 1
    assert found["IngestionToInvocationSuccessLatency_count good"] == 1
    assert found["InvocationAttempts_total bad"] == 3
    assert found["FailedInvocations_total bad"] == found["Invocations_total bad"] == 1
    assert found["InvocationsSentToDlq_total bad"] == 1


def test_rules_of_the_same_name_in_two_regions_make_one_series() -> None:
    metrics = Metrics()
    for region in ("eu-central-1", "us-east-1"):
        metrics.rule(Scope("123456789012", region).rule("r")).triggered += 1
        metrics.bus(Scope("123456789012", region).bus("default")).matched += 1
    found = series(metrics)
    assert found["TriggeredRules_total r"] == 2
    assert found["MatchedEvents_total"] == 2


def test_latencies_are_in_buckets_of_milliseconds() -> None:
    metrics = Metrics()
    for latency_ms in (0.5, 5, 7, 10**9):
        metrics.put.latency.add(latency_ms)
    buckets = {
        sample.labels["le"]: sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if sample.name == "PutEventsLatency_bucket"
    }
    assert (buckets["1.0"], buckets["5.0"], buckets["10.0"], buckets["86400000.0"], buckets["+Inf"]) == (1, 2, 3, 3, 4)
