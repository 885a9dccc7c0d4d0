from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from demo.ledger import Arrived, Card, Flag, Observed, lines
from demo.report import Report, as_json, delivery, show
from score.core.facts import Alert, Happened, Label, Oracle
from score.core.scores import Scores
from score.core.tally import Tally


def scored() -> Scores:
    tally = Tally()
    label = Label("t", "a", 0, 100, approved=True, scenario="spree", release_ms=7)
    tally.take_all([Happened("t", 0), Alert("t", "a", 0, 0.9, ("velocity",)), label, Oracle(label)])
    return tally.scores()


SEEN = Observed(
    transactions={0: 3},
    cards={(0, "a"): Card(judged=3, flagged=1)},
    notifications={"n": Flag("t", "a")},
    notification_records=1,
    targets={"log group": Arrived({"n"}, records=2), "webhook": Arrived(dead={"n"})},
)
REPORT = Report(
    broker="embedded",
    seed=7,
    preset="workshop",
    difficulty=0.5,
    elapsed_s=60.0,
    ledger=lines(SEEN),
    repeated_notifications=0,
    deliveries=[delivery(name, each, {"webhook": 20}) for name, each in SEEN.targets.items()],
    scores=scored(),
    unlabelled=0,
    first_flagged_s=4.2,
    latency_p50_ms=None,
    latency_p99_ms=None,
    memory_measure="PSS",
    memory_peak={"analyzer": 90 * 1024 * 1024},
    memory_peak_in_all=90 * 1024 * 1024,
    restarts={"analyzer": 1, "notifier": 0},
)


def text(report: Report) -> str:
    console = Console(width=120, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115 - as long as the test
    show(report, console)
    return console.export_text()


def test_the_report_says_that_the_ledger_balances_and_what_was_repeated() -> None:
    shown = text(REPORT)
    for part in (
        *("✔ 3 transactions in = 3 judged + 0 late + 0 duplicate + 0 dead-lettered", "0 notifications were repeated"),
        *(
            "spree",
            "100.0 %",
            "first flagged after 4.2 s",
            "in MB (PSS): analyzer 90; all together 90",
            "after a crash: analyzer 1",
        ),
        "The ledger balances.",
    ):
        assert part in shown, part


def test_the_report_counts_each_target() -> None:
    rows = [line.split() for line in text(REPORT).splitlines()]
    assert ["Delivered", "to", "events", "repeated", "retried", "dead-lettered"] in rows
    assert ["log", "group", "1", "1", "0", "0"] in rows
    assert ["webhook", "0", "0", "20", "1"] in rows


def test_the_report_names_what_differs() -> None:
    shown = text(replace(REPORT, ledger=lines(replace(SEEN, targets={"log group": Arrived()}))))
    assert "✘ 1 distinct notifications = 0 distinct events at the log group + 0 dead-lettered" in shown
    assert "not delivered: n" in shown
    assert "does NOT balance" in shown


def test_the_report_is_json_too() -> None:
    read = json.loads(json.dumps(as_json(REPORT)))
    assert read["balances"] is True
    assert read["difficulty"] == 0.5
    assert [line["balances"] for line in read["ledger"]] == [True] * 6
    assert read["deliveries"][1] == {
        "target": "webhook",
        "distinct": 0,
        "repeated": 0,
        "retried": 20,
        "dead_lettered": 1,
    }
    assert read["scores"]["by_scenario"]["spree"]["recall"] == 1.0
    assert read["scores"]["bank"]["transactions"] == 0
