"""docs/benchmarks.md is made from what benches leave: complete, and from nothing that can't be published."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench import page
from bench.analyzer import latency_report
from bench.analyzer import report as analyzer_report
from bench.analyzer.compare import Series
from bench.analyzer.engine import ENGINES
from bench.analyzer.latency import Delays, Pace, Written
from bench.analyzer.run import Run
from bench.analyzer.work import WORKS
from bench.cli import BENCHES, cli
from bench.eventbus import report as eventbus_report
from bench.eventbus.compare import SETTINGS
from bench.eventbus.compare import Series as Buses
from bench.eventbus.figures import Figures
from bench.eventbus.measure import Measured as Delivered
from bench.eventbus.peers import PEERS
from bench.notifier import report as notifier_report
from bench.notifier.contenders import CONNECTOR, OURS
from bench.notifier.measure import Measured as Put
from bench.producer import commands as producer_report
from bench.producer.measure import MAKERS, Part
from bench.producer.measure import Run as Made
from bench.recovery import report as recovery_report
from bench.recovery.measure import Found
from bench.tables import TABLES
from schemas.errors import UserError

RUNS = 3
DELIVERED = Delivered(Figures(10, 0, 10, 0, 0, 0, 0, 900.0, 800.0, 1.5, 2.5), 300.0)
COST = {"seconds": 5.0, "cpu_seconds": 4.0, "own_peak_bytes": 100_000_000, "largest_child_peak_bytes": 0}


def run(records: int, cpu_s: float) -> Run:
    return Run(records, 0, cpu_s, cpu_s, 50_000_000, [])


def engine(name: str, cpu_s: float) -> Series:
    works = {work: [run(101_000, cpu_s)] * RUNS for work in WORKS}
    return Series(ENGINES[name], [run(1_000, 1.0)] * RUNS, works)


FOUND: dict[str, Any] = {
    "analyzer": analyzer_report.as_json([engine("ours", 2.0), engine("streams", 3.0)]),
    "latency": latency_report.as_json(
        {"analyzer": [Delays(Pace(1_000, 17), 700, 12.0, 40.0, 60.0, 0.0, Written(1.0, 3.0))] * RUNS}
    ),
    "recovery": recovery_report.as_json([Found(100, 1.0, 2.0, 100, 3.0, {0: 0.5}, rolled=True)] * RUNS),
    "producer": producer_report.as_json(
        {
            maker: [Made(Part(500, 1.0, 1.0), Part(1_500, 1.0 + at, 2.0), [])] * RUNS
            for at, maker in enumerate(MAKERS, 1)
        }
    ),
    "notifier": notifier_report.as_json(
        {
            ("null", OURS): [Put(1_000, 0.5, 200.0, 8, 1.0, 2.0)] * RUNS,
            ("null", CONNECTOR): [Put(10, 0.5, None, 8, 1.0, 2.0)] * RUNS,
        }
    ),
    "eventbus": eventbus_report.as_json(
        [Buses(PEERS["ours"], measured={setting: [DELIVERED] * RUNS for setting in SETTINGS})]
    ),
    "codec": {"write: codec": {"s_a_record": [1e-5] * RUNS, "wrong": False}},
    "score": {"transactions": 100_000, "cost": {"1": [COST] * RUNS, "2": [COST] * RUNS}},
}
FIRST_ROWS = {
    "analyzer": "| 1 % | analyzer | 100,000 | 10.0 | 0% | 100,000 | 50 | 1.0 | - |",
    "latency": "| analyzer | 1,000 | 3 | 12.0 | 40.0 | 60.0 | 700 | 3.0 |",
    "recovery": "| first notification after the start of a process, no states | 1.00 | 1.00 | 1.00 |",
    "producer": "| Cardwatch | 1,000 | 1,000.0 | 0% | 1,000 | 1,000.0 | 1.0 | 1.0 |",
    "notifier": "| null | notifier | 2,000 | 0% | 5,000 | 200 | 1.0 | 2.0 | 0 |",
    "eventbus": "| SQS | 1 x 1 | eventbus | 900 | 800 | 1.5 | 2.5 | 300 | 0 | 0 |",
    "codec": "| write: codec | 100,000 | 10.00 | 0% |",
    "score": "| 1 | 25,000 | 20,000 | 0% | 100 |",
}


def written(folder: Path, name: str, found: Any) -> Path:
    file = folder / f"{name}.json"
    file.write_text(json.dumps(found))
    return file


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_made_of_every_run_as_the_bench_prints_it(name: str, tmp_path: Path) -> None:
    made = page.section(name, written(tmp_path, name, FOUND[name]))
    assert re.search(r"^Measured on \d{4}-\d\d-\d\d, medians of 3 runs: .*\d+ cores, \d+ GB, ", made, re.MULTILINE)
    head, rule, first = [line for line in made.splitlines() if line.startswith("|")][:3]
    assert first == FIRST_ROWS[name]
    assert head.count("|") == rule.count("|") == first.count("|")


def test_what_is_not_equal_and_what_is_compared_stand_below_the_table(tmp_path: Path) -> None:
    assert "- Not equal work, Kafka Streams: " in page.section("analyzer", written(tmp_path, "a", FOUND["analyzer"]))
    assert "- null, to connector's pace: 100.0x the events/s; " in page.section(
        "notifier", written(tmp_path, "n", FOUND["notifier"])
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, r"codec\.json is not there: run `make bench ARGS=codec`"),
        ({}, "is not what this bench writes"),
        ([1], "is not what this bench writes"),
        ({"w": {"s_a_record": [1e-5], "wrong": False}}, r"holds 1 run\(s\), a table needs 3"),
        ({"w": {"s_a_record": [1e-5] * 3, "wrong": True}}, "has wrong results"),
    ],
)
def test_what_cannot_be_published_is_refused_in_one_line(found: Any, said: str, tmp_path: Path) -> None:
    file = tmp_path / "codec.json"
    if found is not None:
        written(tmp_path, "codec", found)
    with pytest.raises(UserError, match=said) as refused:
        page.section("codec", file)
    assert "\n" not in str(refused.value)


def test_another_table_changes_nothing_else_of_the_page() -> None:
    text = f"before\n{page.begin('codec')}old\n{page.end('codec')}after\n"
    once = page.replaced(text, "codec", "new\n")
    assert once == text.replace("old", "new") == page.replaced(once, "codec", "new\n")
    with pytest.raises(UserError, match="has no lines <!-- bench score"):
        page.replaced(text, "score", "new\n")


def test_a_name_without_a_table_is_refused() -> None:
    result = CliRunner().invoke(cli, ["page", "nope"])
    assert isinstance(result.exception, UserError)
    assert "no table 'nope'" in str(result.exception)


def test_every_table_has_its_place_on_the_page_and_every_bench_its_row() -> None:
    text = page.PAGE.read_text()
    assert set(TABLES) <= set(BENCHES)
    for name in TABLES:
        assert text.count(page.begin(name)) == text.count(page.end(name)) == 1, name
        assert f"\n## {name}\n" in text
    for name in BENCHES:
        assert f"| [`{name}`](#{name}) |" in text, f"say in docs/benchmarks.md what `{name}` measures, and beside what"
