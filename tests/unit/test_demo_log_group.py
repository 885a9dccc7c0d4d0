from __future__ import annotations

import json
from typing import Any, cast

from demo.arrivals import Delivered
from demo.log_group import LogGroup


def event(number: int, time_ms: int) -> dict[str, Any]:
    detail = {"value": {"eventDetail": {"notificationId": f"n{number}", "transactionId": f"t{number}"}}}
    message = json.dumps({"detail": detail})
    return {"eventId": str(number), "timestamp": time_ms, "ingestionTime": time_ms + 1, "message": message}


class FakeLogs:
    """Holds events, answers in pages of two, and remembers from when it was asked."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.starts: list[int] = []

    def get_paginator(self, operation: str) -> FakeLogs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, *, logGroupName: str, startTime: int) -> list[dict[str, Any]]:  # noqa: N803 - boto3's names
        assert logGroupName == "/aws/events/cardwatch"
        self.starts.append(startTime)
        asked = [each for each in self.events if each["timestamp"] >= startTime]
        return [{"events": asked[n : n + 2]} for n in range(0, len(asked), 2)]


def test_each_event_is_returned_once_also_when_it_comes_out_of_order() -> None:
    logs = FakeLogs()
    group = LogGroup(cast("Any", logs), now=lambda: 1.0)
    logs.events = [event(n, 10_000 + n) for n in range(5)]
    assert [each.notification_id for each in group.new()] == ["n0", "n1", "n2", "n3", "n4"]
    logs.events += [event(5, 9_500), event(6, 10_100)]
    assert group.new() == [Delivered("n5", "t5", 9_501), Delivered("n6", "t6", 10_101)]
    assert group.new() == []
    assert logs.starts == [0, 8_004, 8_100]


def test_an_event_whose_delivery_was_late_is_found_although_it_stands_far_back() -> None:
    logs, clock = FakeLogs(), [0.0]
    group = LogGroup(cast("Any", logs), now=lambda: clock[0])
    logs.events = [event(1, 60_000)]
    group.new()
    logs.events.append(event(2, 5_000))
    assert group.new() == []
    clock[0] = 10.0
    assert [each.notification_id for each in group.new()] == ["n2"]
    assert logs.starts == [0, 58_000, 0]
