"""What the bench of the notifier says of a run is what happened in it."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from bench.notifier.check import expected, problems
from bench.notifier.contenders import CONNECTOR, CONTENDERS, OURS
from bench.notifier.endpoint import Taken
from bench.notifier.measure import Measured, quantile
from bench.notifier.report import ratios, show
from bench.notifier.topic import TIMESTAMP_MS, card, notification
from notifier.envelope import Naming, Record
from notifier.mapping import Mapper
from schemas.codec import Decoder, Encoder
from schemas.registry import FakeRegistry

PLACES = [(number % 3, number // 3) for number in range(12)]
ARRIVED = [{"Detail": expected(number, *place)} for number, place in enumerate(PLACES)]


def test_the_expected_entries_are_those_that_the_notifier_makes() -> None:
    registry = FakeRegistry()
    value = Encoder.registered("notification", "notifications", registry).encode(notification(5))
    record = Record("notifications", 2, 1, TIMESTAMP_MS + 5, "CreateTime", (), card(5).encode(), value)
    entry = Mapper(Decoder(registry, logical_types=False), Naming()).entry(record)
    assert entry.detail == expected(5, *PLACES[5])


def test_all_entries_once_and_in_order_are_no_problem() -> None:
    assert list(problems(ARRIVED, PLACES)) == []


@pytest.mark.parametrize(
    ("arrived", "told"),
    [
        (ARRIVED[1:], "1 notifications did not arrive, the first of them number 0"),
        ([*ARRIVED, {"Detail": "{}"}], "1 entries are none of what was to come"),
        ([*ARRIVED, ARRIVED[0]], "1 entries came again"),
    ],
)
def test_what_is_wrong_is_told(arrived: list[dict[str, str]], told: str) -> None:
    assert list(problems(arrived, PLACES)) == [told]


def test_a_record_that_overtook_one_of_its_card_is_told() -> None:
    again = 9973  # the cards take turns
    places = [(0, number) for number in range(again + 1)]
    arrived = [{"Detail": expected(number, 0, number)} for number in (again, *range(again))]
    assert list(problems(arrived, places)) == [f"notification 0 of card-00000 came after {again}"]


def test_a_quantile_is_spread_evenly_over_its_bucket() -> None:
    buckets = [(0.001, 50.0), (0.002, 100.0), (float("inf"), 100.0)]
    assert quantile(buckets, 0.5) == pytest.approx(1.0)
    assert quantile(buckets, 0.75) == pytest.approx(1.5)
    assert quantile([(0.001, 0.0), (float("inf"), 10.0)], 0.5) == pytest.approx(1.0)
    assert quantile([], 0.5) is None
    assert quantile([(0.001, 0.0), (float("inf"), 0.0)], 0.5) is None


def test_the_endpoint_counts_entries_and_not_what_stands_in_them() -> None:
    taken = Taken()
    answer = taken.take(b'{"Entries": [{"Detail": "{\\"Detail\\":1}"}, {"Detail": "x"}]}')
    assert taken.entries == 2
    assert answer.count(b"EventId") == 2


def measured(events: int, wall_s: float, cpu_us: float | None) -> Measured:
    return Measured(events, wall_s, cpu_us, rss=80_000_000, p50_ms=None, p99_ms=None)


def test_a_ratio_is_of_medians_and_where_a_run_was_too_short_none_is_told() -> None:
    connector = [measured(500, 10.0, 400.0)]
    found = {("null", OURS): [measured(50_000, 25.0, 200.0)], ("null", CONNECTOR): connector}
    to = f"null, to {CONTENDERS[CONNECTOR].title}: "
    assert list(ratios(found)) == [f"{to}40.0x the events/s; the aim is 20x; 2.0x the events/CPU s"]
    unknown = found | {("null", CONNECTOR): [measured(30, 0.6, None)]}
    assert list(ratios(unknown)) == [f"{to}40.0x the events/s; the aim is 20x"]
    short = {("null", OURS): [measured(400, 0.0, None)], ("null", CONNECTOR): connector}
    assert list(ratios(short)) == [f"{to}too few events to compare"]
    out = StringIO()
    show(short, 1, Console(file=out, width=160))
    assert "0.0" not in out.getvalue()
