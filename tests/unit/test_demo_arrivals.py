from __future__ import annotations

import json

import pytest

from demo.arrivals import Arrivals, Delivered, delivered


def event(number: int, time_ms: int = 0) -> Delivered:
    return Delivered(f"n{number}", f"t{number}", time_ms)


def test_each_look_tells_what_had_not_come_before_and_repeats_are_counted() -> None:
    came = [[event(1, 5), event(2), event(1, 6)], [event(2), event(3)]]
    target = Arrivals("queue", lambda: came.pop(0))
    assert target.look() == [event(1, 5), event(2)]
    assert target.look() == [event(3)]
    assert (target.records, set(target.times_ms), target.times_ms["n1"]) == (5, {"n1", "n2", "n3"}, 5)


def test_dead_letters_are_kept_apart() -> None:
    target = Arrivals("webhook", list, lambda: [event(7), event(7)])
    assert target.look() == []
    assert target.dead == {"n7"}


def test_events_without_an_id_are_not_taken_for_one_another() -> None:
    target = Arrivals("log group", lambda: [Delivered("", "", 1), Delivered("", "", 2)])
    target.look()
    assert set(target.times_ms) == {f"event {n}, without a notification id" for n in (1, 2)}


@pytest.mark.parametrize("detail", [{}, {"value": None}, {"value": "text"}, {"value": {"eventDetail": None}}, [], 7])
def test_an_event_that_is_no_suspicious_activity_has_no_ids(detail: object) -> None:
    assert delivered(json.dumps({"detail": detail}), 1) == Delivered("", "", 1)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        delivered("nothing", 1)
