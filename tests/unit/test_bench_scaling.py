"""The scaling bench makes valid transactions of as many cards as it says, and misses no record."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from bench import screen
from bench.scaling.measure import Known, Shared, Written
from bench.scaling.report import Found, show
from bench.scaling.traffic import REMEMBERED_MS, START_MS, USES, Traffic
from bench.scaling.workers import missing
from schemas.codec import Decoder, Encoder, Record
from schemas.registry import FakeRegistry

registry = FakeRegistry()
ENCODER = Encoder.registered("transaction", "transactions", registry)
READ = Decoder(registry, reader="transaction", logical_types=False).decode


def made(cards: int, *counts: int) -> list[tuple[bytes, Record]]:
    traffic = Traffic(ENCODER, cards)
    return [(key, READ(value)) for count in counts for some in traffic.take(count) for key, value in some]


def test_each_record_is_a_transaction_of_its_key() -> None:
    for key, record in made(30, 100):
        assert record["cardId"].encode() == key
        assert (record["deviceId"] is None) == (record["channel"] == "CARD_PRESENT")
        assert record["deviceId"] in (None, key.decode().replace("card", "dev"))


def test_every_card_comes_before_any_comes_again() -> None:
    keys = [key for key, _ in made(30, 20, 50)]
    assert len(set(keys[:30])) == 30
    assert len(set(keys)) == 30


def test_a_card_comes_as_often_in_the_time_that_it_remembers_as_it_should() -> None:
    records = [record for _, record in made(40, 500)]
    times = [record["eventTime"] for record in records]
    assert times == sorted(times)
    assert times[0] == START_MS
    assert sum(time < START_MS + REMEMBERED_MS for time in times) == USES * 40


def test_no_transaction_comes_twice_and_the_same_come_each_time() -> None:
    once, again = made(30, 20, 50), made(30, 20, 50)
    assert once == again
    assert len({record["transactionId"] for _, record in once}) == 70


def test_a_record_that_was_lost_or_done_twice_is_told() -> None:
    before = {"judged": 10.0, "late": 1.0}
    assert missing({"judged": 25.0, "late": 2.0, "duplicates": 4.0}, before, 20) == []
    assert missing({"judged": 25.0, "late": 2.0}, before, 20) == ["16 records are done of 20"]


def found() -> Found:
    written = Written(10_000, 1.0, 100_000, 4.0, 2.0, 50_000, 20_000_000)
    known = Known(written, 100_000_000, 110_000_000, 120_000_000, 4.0, 5.5, 1.0, 2.0, 105_000_000, 106_000_000, 10_000)
    return Found("apache", [Shared(2, 100_000, 2.0, 2.0, [100_000_000, 90_000_000])], [known], [written])


def test_the_tables_say_what_a_record_and_a_card_cost() -> None:
    console = Console(file=io.StringIO(), width=200)
    show(found(), console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "50,000" in text  # records a second of two workers
    assert "1,000" in text  # bytes a card
    assert "1.5" in text  # seconds of recovery
    assert "WRONG" not in text


def test_what_was_wrong_anywhere_is_told() -> None:
    one = found()
    one.written.append(Written(10, 0.1, 100, 1.0, 1.0, 1, 1, ["99 records are done of 100"]))
    assert list(one.wrong()) == ["states every 0.1 s: 99 records are done of 100"]


def test_what_was_found_so_far_replaces_what_was_found_before(tmp_path: Path) -> None:
    file = tmp_path / "new" / "found.json"
    for number in range(2):
        assert screen.put({"run": number}, "scaling", file) == file
        assert json.loads(file.read_text()) == {"run": number}
    assert [one.name for one in file.parent.iterdir()] == ["found.json"]
