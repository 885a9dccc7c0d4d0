"""The backlog: what a read of the disk brings while results are being written there is neither lost nor doubled."""

from __future__ import annotations

from eventbus.delivery.backlog import Backlog, Delivery
from eventbus.delivery.fate import State
from tests.eventbus_engine import event


def delivery(seq: int, due_ms: int = 0) -> Delivery:
    return Delivery(seq, event(f"e{seq}", due_ms), due_ms)


def ready(backlog: Backlog, now_ms: int = 0) -> list[int]:
    backlog.wake(now_ms)
    return [each.seq for each in backlog.ready]


def full() -> Backlog:
    backlog = Backlog(most=2)
    for seq in (1, 2, 3):
        backlog.arrived(delivery(seq))
    assert ready(backlog) == [1, 2]
    assert backlog.behind
    return backlog


def done(backlog: Backlog, seq: int) -> None:
    backlog.ready.remove(next(each for each in backlog.ready if each.seq == seq))
    backlog.release(seq)


def test_deliveries_become_ready_in_the_order_in_which_they_are_due() -> None:
    backlog = Backlog()
    for seq, due_ms in ((1, 30), (2, 10), (3, 20)):
        backlog.arrived(delivery(seq, due_ms))
    assert backlog.next_ms == 10
    assert ready(backlog, 20) == [2, 3]
    assert backlog.next_ms == 30


def test_a_delivery_for_the_dead_letter_queue_is_kept_apart() -> None:
    backlog = Backlog()
    buried = delivery(1)
    buried.state = State.BURIED
    backlog.hold(buried)
    assert ready(backlog) == []
    assert list(backlog.buried) == [buried]


def test_what_is_held_or_not_written_yet_is_left_out_of_a_read() -> None:
    backlog = full()
    done(backlog, 1)
    assert backlog.wants_more
    assert backlog.begin_reading() == {1, 2}
    assert not backlog.wants_more


def test_what_is_written_during_a_read_is_not_taken_from_its_older_view() -> None:
    backlog = full()
    backlog.begin_reading()
    done(backlog, 1)
    assert not backlog.written(1, None)
    backlog.end_reading([delivery(1), delivery(3)], None)
    assert ready(backlog) == [2, 3]
    assert not backlog.behind


def test_what_arrives_during_a_read_is_fetched_by_the_next_one() -> None:
    backlog = full()
    done(backlog, 1)
    done(backlog, 2)
    backlog.begin_reading()
    backlog.arrived(delivery(4, 50))
    backlog.end_reading([delivery(3)], None)
    assert ready(backlog, 50) == [3]
    assert backlog.behind
    assert backlog.disk_due_ms == 50


def test_what_is_put_back_on_disk_during_a_read_is_fetched_when_it_is_due() -> None:
    backlog = full()
    done(backlog, 1)
    done(backlog, 2)
    backlog.begin_reading()
    assert backlog.written(1, 70)
    backlog.end_reading([delivery(3)], 90)
    assert backlog.behind
    assert backlog.disk_due_ms == 70


def test_a_result_of_a_delivery_that_is_still_held_puts_nothing_back() -> None:
    backlog = full()
    assert not backlog.written(1, 70)
    assert backlog.disk_due_ms == 0


def test_when_a_read_brought_all_new_ones_stay_in_memory_again() -> None:
    backlog = full()
    done(backlog, 1)
    done(backlog, 2)
    backlog.begin_reading()
    backlog.end_reading([delivery(3)], None)
    assert not backlog.behind
    backlog.arrived(delivery(4))
    assert ready(backlog) == [3, 4]


def test_a_read_that_failed_is_tried_again_later() -> None:
    backlog = full()
    done(backlog, 1)
    backlog.begin_reading()
    backlog.failed_reading(1000)
    assert backlog.wants_more
    assert backlog.disk_due_ms == 1000


def test_one_that_a_read_brought_before_it_was_known_to_be_on_disk_is_taken_once() -> None:
    backlog = full()
    done(backlog, 1)
    done(backlog, 2)
    backlog.begin_reading()
    backlog.end_reading([delivery(3), delivery(4)], None)  # 4 is on disk, and the lane isn't told yet
    backlog.arrived(delivery(4))
    assert ready(backlog) == [3, 4]
    done(backlog, 4)
    backlog.arrived(delivery(4))
    assert ready(backlog) == [3]
