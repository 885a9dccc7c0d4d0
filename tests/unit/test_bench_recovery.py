"""The recovery bench: its cards, its stalls, and what it says."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from analyzer.publish import partition_of
from bench.analyzer.records import verdicts
from bench.recovery import report
from bench.recovery.cards import WORK, Part, make
from bench.recovery.commands import recovery
from bench.recovery.crew import Hand
from bench.recovery.measure import PARTITIONS, Found, stalls
from schemas.codec import Decoder, Encoder
from schemas.errors import UserError
from schemas.registry import FakeRegistry
from schemas.topics import TRANSACTIONS


def test_copies_of_cards_are_judged_as_the_core_judges_them_one_by_one() -> None:
    registry = FakeRegistry()
    cards = make(1_800, (1_500, 600), Encoder.registered("transaction", TRANSACTIONS, registry))
    read = Decoder(registry, logical_types=False).decode
    records = [read(value) for part in cards.parts for _, value in part.values]
    assert dict(cards.expected) == verdicts(records, WORK)
    assert cards.expected
    assert [one["transactionId"] for one in records] == [name for part in cards.parts for name in part.ids]
    assert [key.decode() for part in cards.parts for key, _ in part.values] == [one["cardId"] for one in records]
    assert len({one["cardId"] for one in records}) == cards.count
    first, second, third = (len(part.values) for part in cards.parts)
    assert first > second > third > 500


def part(*cards: bytes) -> Part:
    return Part([(card, b"") for card in cards], [f"t{number}" for number in range(len(cards))])


def test_a_stall_is_the_longest_wait_of_a_partition_from_when_a_transaction_was_due() -> None:
    a, b = b"card_1", b"card_2"
    first, second = partition_of(a, PARTITIONS), partition_of(b, PARTITIONS)
    assert first != second
    told_ms = {"t0": 10_100.0, "t2": 14_000.0, "t3": 10_350.0, "of another part": 99_000.0}
    found = stalls(part(a, a, a, b), told_ms, began_ms=10_000.0, rate=10)
    assert found == {first: pytest.approx(3.8), second: pytest.approx(0.05)}


class ChildFake:
    """Has written these lines."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines

    def text(self) -> str:
        return "\n".join(self.lines)


def test_a_worker_is_ready_when_its_log_says_so_and_the_last_time_counts() -> None:
    lines = [json.dumps({"event": event, "seconds": at}) for at, event in enumerate(["ops", "ready", "ready", "hole"])]
    child: Any = ChildFake(*lines)
    assert (Hand(child, 0.0, 0).ready() or {})["seconds"] == 2
    child = ChildFake(lines[0])
    assert Hand(child, 0.0, 0).ready() is None


def shown(*runs: Found) -> str:
    console = Console(file=io.StringIO(), width=200)
    report.show(runs, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_report_shows_medians_and_how_far_runs_are_apart() -> None:
    runs = [Found(100, start_s=seconds, stalls_s={3: seconds, 4: 0.1}, rolled=True) for seconds in (2.0, 3.5, 9.25)]
    assert shown(*runs).count("3.50") == 2
    assert shown(*runs).count("9.25") == 2
    assert "--seconds" not in shown(*runs)
    assert "--seconds" in shown(Found(100))
    assert report.as_json(runs)[0]["stalls_s"] == {3: 2.0, 4: 0.1}


def test_a_run_with_a_missing_verdict_has_no_figures_and_is_named() -> None:
    text = shown(Found(100, start_s=7.77, wrong=["t1 is not flagged and should be"]))
    assert "7.77" not in text
    assert "WRONG t1 is not flagged and should be" in text


def test_more_transactions_than_the_cards_have_are_refused() -> None:
    with pytest.raises(UserError, match="raise --cards"):
        recovery(cards=100, rate=500, seconds=40)
