from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from demo.collect import flagged
from demo.view import LiveView, PlainView, ProcessRow, Snapshot, export, render

FLAGGED = flagged(
    {
        "cardLastFour": "4242",
        "total": 1234.5,
        "currency": "EUR",
        "merchantName": "Bauer [GmbH]",
        "country": "DE",
        "score": 0.93,
        "findings": [{"rule": "velocity", "evidence": "6 purchases in 58 s, limit 4"}],
    }
)
NOW = Snapshot(
    phase="running",
    elapsed_s=12.0,
    produced=4_321,
    wanted=20_000,
    rate=333.3,
    analyzer_lag=17,
    flagged=1,
    arrived={"log group": 12, "queue": 11, "webhook": 10},
    retried=3,
    latency_p50_ms=150,
    latency_p99_ms=2_400,
    processes=[ProcessRow("analyzer", "running", 90 * 1024 * 1024), ProcessRow("producer", "ended")],
    new=[FLAGGED],
    recent=[FLAGGED],
)


def text(snapshot: Snapshot) -> str:
    console = Console(width=120, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115 - as long as the test
    console.print(render(snapshot))
    return console.export_text()


def test_the_picture_shows_rates_lag_latency_processes_and_why_a_transaction_was_flagged() -> None:
    shown = text(NOW)
    for part in (
        *("4,321 / 20,000", "333 a second", "17 behind", "p50 0.15 s, p99 2.40 s", "running 90 MB", "10 delivered"),
        "delivered to: log group 12, queue 11, webhook 10 (3 retried)",
        *(
            "analyzer",
            "producer",
            "ended",
            "…4242",
            "1,234.50 EUR",
            "Bauer [GmbH], DE",
            "velocity: 6 purchases in 58 s, limit 4",
        ),
    ):
        assert part in shown, part


def test_an_endless_run_has_no_total() -> None:
    assert "/ 20,000" not in text(replace(NOW, wanted=None))


def test_the_picture_keeps_its_height_however_much_is_flagged() -> None:
    heights = {len(text(replace(NOW, recent=[FLAGGED] * n)).splitlines()) for n in (0, 1, 8, 20)}
    assert len(heights) == 1


def test_without_a_terminal_each_flagged_transaction_is_a_line_and_figures_come_now_and_then() -> None:
    console = Console(width=40, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115 - as long as the test
    view = PlainView(console)
    for elapsed in range(20):
        view.show(replace(NOW, elapsed_s=float(elapsed), new=[FLAGGED] if elapsed == 3 else []))
    view.close()
    lines = console.export_text().splitlines()
    assert len(lines) == 5
    assert sum(line.startswith("flagged 0.93 …4242 1,234.50 EUR") for line in lines) == 1
    assert lines[0].startswith("[  0.0 s] running: 4,321 of 20,000 transactions")


def test_a_line_that_is_said_while_the_picture_is_live_stays() -> None:
    console = Console(width=120, record=True, file=Path("/dev/null").open("w"), force_terminal=True)  # noqa: SIM115 - as above
    view = LiveView(console)
    view.show(NOW)
    view.say("analyzer was ended by signal 9 [again]")
    view.close()
    assert "analyzer was ended by signal 9 [again]" in console.export_text()


def test_the_exported_picture_stands_alone(tmp_path: Path) -> None:
    export(NOW, tmp_path / "docs" / "view.svg")
    svg = (tmp_path / "docs" / "view.svg").read_text()
    assert "velocity" in svg
    assert set(re.findall(r"https?://[^\s\"')]+", svg)) <= {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
