from __future__ import annotations

from collections import Counter

from demo.audit import comes_to_rest


class FakeSuite:
    """A suite that reads `arrivals` records, one a look, and is `behind` until then."""

    def __init__(self, arrivals: int, *, behind: int = 0, delivered: bool = True) -> None:
        self.records: Counter[tuple[str, int]] = Counter()
        self.all_delivered = delivered
        self._arrivals, self._behind = arrivals, behind
        self.looks = 0

    def catch_up(self) -> None:
        self.looks += 1
        if self._arrivals:
            self._arrivals -= 1
            self.records["transactions", 0] += 1

    def lag(self, group: str, topic: str) -> int:
        assert (group, topic) in {("cardwatch-analyzer", "transactions"), ("cardwatch-notifier", "notifications")}
        return self._behind if topic == "notifications" else 0


def test_a_suite_where_nothing_moves_is_at_rest() -> None:
    assert comes_to_rest(FakeSuite(0), wait_s=0, still_s=0)


def test_a_suite_that_still_receives_records_is_waited_for() -> None:
    suite = FakeSuite(5)
    assert comes_to_rest(suite, wait_s=30, still_s=0)
    assert suite.records.total() == 5
    assert suite.looks > 5


def test_a_suite_that_never_stops_is_not_waited_for_without_end() -> None:
    assert not comes_to_rest(FakeSuite(10_000_000), wait_s=0, still_s=0)


def test_a_notifier_that_is_behind_is_not_at_rest() -> None:
    assert not comes_to_rest(FakeSuite(0, behind=1), wait_s=0, still_s=0)


def test_a_notification_without_its_event_is_not_at_rest() -> None:
    assert not comes_to_rest(FakeSuite(0, delivered=False), wait_s=0, still_s=0)
