"""The arithmetic and the tables of the analyzer's bench."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bench.analyzer import latency_report, report
from bench.analyzer.compare import Cost, Series, cost, ratios
from bench.analyzer.engine import ENGINES
from bench.analyzer.latency import Delays, Pace, Written, delays, due
from bench.analyzer.run import Run
from bench.analyzer.work import FIVE_PERCENT, ONE_PERCENT
from bench.cli import BENCHES
from bench.codec.ways import ways
from bench.score.commands import cells, differ


def seen(records: int, cpu_s: float, wall_s: float = 1.0, wrong: list[str] | None = None) -> Run:
    return Run(records, 0, wall_s, cpu_s, 50_000_000, wrong or [])


def series(name: str, *cpu_s: float, wrong: list[str] | None = None) -> Series:
    runs = [seen(101_000, 1.0 + each, 5.0 + each, wrong) for each in cpu_s]
    return Series(ENGINES[name], [seen(1_000, 1.0, 5.0) for _ in cpu_s], {ONE_PERCENT: runs})


def shown(*all_: Series) -> str:
    console = Console(file=io.StringIO(), width=200)
    report.show(all_, [ONE_PERCENT], console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_what_a_record_costs_has_start_up_taken_off() -> None:
    assert cost(seen(1_000, 2.0, 10.0), seen(11_000, 3.0, 14.0)) == Cost(cpu_us=100.0, wall_us=400.0)


def test_a_record_never_costs_less_than_nothing() -> None:
    assert cost(seen(1_000, 2.0), seen(1_000, 1.5)) == Cost(0.0, 0.0)


def test_costs_are_medians_of_the_runs_and_their_spread_is_told() -> None:
    one = series("ours", 4.0, 2.0, 3.0)
    assert one.cpu_us(ONE_PERCENT) == pytest.approx(30)
    assert one.spread(ONE_PERCENT) == pytest.approx(2 / 3)
    assert one.peak_mb(ONE_PERCENT) == 50
    assert one.cpu_us(FIVE_PERCENT) == 0


def test_one_slow_start_changes_no_cost() -> None:
    one = series("ours", 2.0, 2.0, 2.0)
    one.starts[0] = seen(1_000, 60.0, 90.0)
    assert [round(each.cpu_us) for each in one.costs(ONE_PERCENT)] == [20, 20, 20]


def test_ratios_are_to_the_first_engine() -> None:
    found = ratios([series("ours", 1.0), series("quix", 4.0)], [ONE_PERCENT, FIVE_PERCENT])
    assert found == {("quix", ONE_PERCENT): pytest.approx(4.0)}


def test_the_table_says_rates_and_that_verdicts_agree() -> None:
    text = shown(series("ours", 1.0), series("confluent", 2.0))
    assert "100,000" in text
    assert "2.00" in text
    assert "lost in a crash" in text
    assert "WRONG" not in text


def test_an_engine_with_a_wrong_verdict_has_no_time_and_fails_the_bench() -> None:
    bad = series("quix", 4.0, wrong=[f"t{number} is not flagged and should be" for number in range(9)])
    text = shown(series("ours", 1.0), bad)
    row = next(line for line in text.splitlines() if "Quix" in line)
    assert "WRONG" in row
    assert "25,000" not in row
    assert text.count("should be") == 5
    assert "9 in all" in text
    assert not report.agree([series("ours", 1.0), bad])
    assert report.agree([series("ours", 1.0)])


def test_every_run_is_in_the_json() -> None:
    (told,) = report.as_json([series("ours", 1.0, 2.0)])
    assert told["engine"] == "ours"
    assert [round(one["cpu_us"]) for one in told["works"][0]["cost_us"]] == [10, 20]
    assert len(told["starts"]) == 2


PACE = Pace(1_000, 15)


def test_a_delay_runs_from_when_a_transaction_was_due() -> None:
    due = {f"t{number}": 1_000.0 + number for number in range(100)}
    found = delays(PACE, due, {name: int(at) + 7 for name, at in due.items()} | {"history": 5}, Written(), [])
    assert (found.notifications, found.p50_ms, found.p99_ms, found.max_ms, found.last_ms) == (100, 7, 7, 7, 7)
    assert not found.behind


def test_what_is_history_or_warms_up_or_was_written_before_does_not_count() -> None:
    ids = ["history", *(f"t{number}" for number in range(40)), "t35", "t3", "history"]
    times = due(ids, 1, Pace(10, 5), began_ms=1_000.0)
    assert times == {f"t{number}": 1_000.0 + 100 * number for number in range(20, 40)}


def test_who_is_two_seconds_late_at_the_end_falls_behind() -> None:
    assert delays(PACE, {"a": 1_000.0}, {"a": 3_001}, Written(), []).behind
    assert not delays(PACE, {"a": 1_000.0}, {"a": 2_999}, Written(), []).behind


def test_a_pace_has_a_history_before_it() -> None:
    assert Pace(1_000, 16).records == 20_000


def test_the_table_of_delays_says_who_falls_behind_and_what_is_wrong() -> None:
    fine = Delays(PACE, 750, 12.3, 45.6, 78.9, 40.0, Written(written_ms=0.2))
    late = Delays(PACE, 750, 5_000.0, 9_000.0, 9_500.0, 9_000.0, Written(written_ms=0.2))
    bad = Delays(PACE, 0, None, None, None, 0.0, Written(), ["t1 is flagged and should not be"])
    console = Console(file=io.StringIO(), width=200)
    latency_report.show({"one": [fine, fine], "two": [late], "three": [bad]}, console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "12.3" in text
    assert "45.6" in text
    assert text.count("falls behind") == 2
    assert "WRONG three at 1,000 a second: t1 is flagged and should not be" in text


def test_every_way_of_the_codec_gives_the_records_that_went_in() -> None:
    compared = list(ways(120))
    assert len(compared) >= 4
    for way in compared:
        assert list(way.work()) == list(way.expected), way.title


def test_scores_that_differ_are_seen() -> None:
    assert not differ({1: [{"a": 1}, {"a": 1}], 2: [{"a": 1}]})
    assert differ({1: [{"a": 1}], 2: [{"a": 2}]})


def test_the_score_is_told_as_rates() -> None:
    each = {"cpu_seconds": 2.0, "seconds": 4.0, "own_peak_bytes": 9e6, "largest_child_peak_bytes": 12e6}
    assert cells([each], 1_000) == ["500", "250", "0%", "12"]


def test_every_bench_has_the_options_that_all_gives() -> None:
    for name, bench in BENCHES.items():
        assert {"runs", "smoke", "file"} <= set(bench.__annotations__), name


def test_what_is_not_equal_work_is_said_below_the_figures() -> None:
    found = shown(series("ours", 2.0), series("streams", 1.0), series("quix", 4.0), series("confluent", 1.0))
    streams, python = [line for line in found.splitlines() if line.startswith("Not equal work, ")]
    assert streams.startswith("Not equal work, Kafka Streams: every figure of every window for each record")
    assert python.startswith("Not equal work, Quix Streams, confluent-kafka: no field is checked")
    assert "Not equal" not in shown(series("ours", 2.0))
