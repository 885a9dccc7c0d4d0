"""The scaling bench makes valid transactions of as many cards as it says, and misses no record."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bench import screen
from bench.analyzer.ground import Ground
from bench.analyzer.run import Stand
from bench.scaling.commands import FULL, SMALL
from bench.scaling.points import Known, Shared, Written
from bench.scaling.report import Found, show
from bench.scaling.traffic import REMEMBERED_MS, START_MS, USES, Traffic
from bench.scaling.workers import Site, Worker, missing
from demo.process import Child
from schemas.codec import Decoder, Encoder, Record
from schemas.registry import FakeRegistry
from schemas.settings import KafkaSettings

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


def test_a_card_that_comes_again_is_seen_again_once_the_seen_are_cleared() -> None:
    traffic = Traffic(ENCODER, 30)
    list(traffic.take(75))
    assert len(traffic.seen) == traffic.cards
    traffic.seen.clear()
    keys = {key for some in traffic.take(30) for key, _ in some}
    assert len(traffic.seen) == len(keys) < 30


def test_what_makes_cards_known_has_each_and_what_comes_after_a_recovery_has_bounds() -> None:
    assert [FULL.records(cards) for cards in FULL.cards] == [300_000, 300_000, 2_500_000]
    assert [FULL.records_again(cards) for cards in FULL.cards] == [100_000, 100_000, 300_000]
    assert all(size.records(cards) >= cards for size in (FULL, SMALL) for cards in size.cards)


def worker(folder: Path, *partitions: int) -> Worker:
    """Return a worker whose log says that it was ready with so many, one time after the other."""
    folder.mkdir()
    lines = [json.dumps({"event": "ready", "partitions": some, "states": 10 * some}) for some in partitions]
    code = "import sys; print(*sys.argv[1:], sep=chr(10))"
    child = Child("worker", [sys.executable, "-c", code, "Hello", *lines], env={}, log=folder / "log")
    assert child.wait(60) == 0
    return Worker(child, 1)


def test_what_a_worker_has_is_what_it_was_ready_with_last(tmp_path: Path) -> None:
    one, none = worker(tmp_path / "one", 12, 6), worker(tmp_path / "none")
    assert (one.partitions(), one.states()) == (6, 60)
    assert (none.partitions(), none.states()) == (-1, -1)


@pytest.mark.parametrize(
    ("ready_with", "shared"),
    [
        ([[12]], True),
        ([[12], []], False),  # the second joins
        ([[12], [6]], False),  # the first prepares what is left to it
        ([[12, 6], [6]], True),
        ([[12, 12], [0]], False),
    ],
)
def test_partitions_are_shared_when_each_has_some_and_none_has_them_twice(
    tmp_path: Path, ready_with: list[list[int]], *, shared: bool
) -> None:
    site = Site(Stand("apache", {}, {}, lambda _: None), Ground(KafkaSettings()), tmp_path)
    site.workers = [worker(tmp_path / str(at), *some) for at, some in enumerate(ready_with)]
    assert site.shared() is shared


def found() -> Found:
    written = Written(10_000, 1.0, 100_000, 4.0, 2.0, 50_000, 20_000_000)
    known = Known(
        written,
        rss_empty=100_000_000,
        rss=110_000_000,
        peak_rss=120_000_000,
        start_empty_s=4.0,
        start_s=5.5,
        start_empty_cpu_s=1.0,
        start_cpu_s=2.0,
        rss_recovered=105_000_000,
        peak_rss_recovered=106_000_000,
        recovered=10_000,
        again=Written(10_000, 1.0, 100_000, 9.0, 7.77, 50_000, 20_000_000),
        touched=9_999,
    )
    return Found("apache", [Shared(2, 100_000, 2.0, 2.0, [100_000_000, 90_000_000])], [known], [written])


def shown(what: Found) -> str:
    file = io.StringIO()
    show(what, Console(file=file, width=200))
    return file.getvalue()


def row_of_workers(what: Found) -> list[str]:
    return next(line for line in shown(what).splitlines() if line.startswith("│")).replace("│", "").split()


def test_the_tables_say_what_a_record_and_a_card_cost() -> None:
    text = shown(found())
    assert "50,000" in text  # records a second of two workers
    assert "1,000" in text  # bytes a card
    assert "1.5" in text  # seconds of recovery
    assert "77.7" in text  # CPU of a record after it
    assert "WRONG" not in text


def test_workers_that_left_nothing_until_all_were_ready_have_no_figures() -> None:
    one = found()
    one.shared = [Shared(3, 0, 0.1, 0.0, [90_000_000])]
    assert row_of_workers(one) == ["3", "1", "0", "-", "-", "-", "90"]


def test_a_run_that_left_nothing_does_not_count_beside_one_that_did() -> None:
    one = found()
    one.shared.append(Shared(2, 0, 0.1, 0.0, [100_000_000]))
    assert row_of_workers(one) == ["2", "2", "50,000", "50,000", "20.0", "50,000", "100"]


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
