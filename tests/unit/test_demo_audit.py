from __future__ import annotations

from collections import Counter

import pytest

from analyzer.stage import STAGES
from demo.audit import comes_to_rest
from demo.collect import WORK


class FakeSuite:
    """A suite that reads `arrivals` records, one a look, and is `behind` until then."""

    def __init__(self, arrivals: int, *, behind: int = 0, topic: str = "", delivered: bool = True) -> None:
        self.records: Counter[tuple[str, int]] = Counter()
        self.all_delivered = delivered
        self._arrivals, self._behind, self._late_topic = arrivals, behind, topic
        self.looks = 0

    def catch_up(self) -> None:
        self.looks += 1
        if self._arrivals:
            self._arrivals -= 1
            self.records["transactions", 0] += 1

    def lag(self, group: str, topic: str) -> int:
        assert (group, topic) in WORK
        return self._behind if topic == self._late_topic else 0


def test_a_suite_where_nothing_moves_is_at_rest() -> None:
    assert comes_to_rest(FakeSuite(0), wait_s=0, still_s=0)


def test_a_suite_that_still_receives_records_is_waited_for() -> None:
    suite = FakeSuite(5)
    assert comes_to_rest(suite, wait_s=30, still_s=0)
    assert suite.records.total() == 5
    assert suite.looks > 5


def test_a_suite_that_never_stops_is_not_waited_for_without_end() -> None:
    assert not comes_to_rest(FakeSuite(10_000_000), wait_s=0, still_s=0)


@pytest.mark.parametrize("topic", [topic for _, topic in WORK])
def test_a_service_that_is_behind_is_not_at_rest(topic: str) -> None:
    assert not comes_to_rest(FakeSuite(0, behind=1, topic=topic), wait_s=0, still_s=0)


def test_the_groups_that_are_waited_for_are_those_of_the_services() -> None:
    groups = {stage.source: stage.group for stage in STAGES}
    assert {topic: group for group, topic in WORK} == groups | {"notifications": "cardwatch-notifier"}


def test_a_notification_without_its_event_is_not_at_rest() -> None:
    assert not comes_to_rest(FakeSuite(0, delivered=False), wait_s=0, still_s=0)
