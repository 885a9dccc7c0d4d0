"""What a replay sends, when, and what it says before; and data in the Handbook's form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from producer.__main__ import cli
from producer.files import transactions
from producer.files.stream import retimed, with_truth
from schemas.errors import UserError
from schemas.topics import LABELS, ORACLE, TRANSACTIONS
from tests.handbook_data import COLUMNS, DAY_S, rows, simulate, write_csv
from tests.own_files import Files
from tests.own_files import rows as own_rows

DAY_MS = 86_400_000


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def pair(number: int, day: float, *, fraud: bool = False, delay: float = 7) -> tuple[dict[str, Any], dict[str, Any]]:
    at_ms = round(day * DAY_MS)
    record = {"transactionId": f"t{number}", "cardId": "c", "eventTime": at_ms}
    return record, {**record, "fraud": fraud, "releaseTime": at_ms + round(delay * DAY_MS)}


def test_labels_go_out_when_they_are_known_and_the_oracle_hears_of_fraud_at_once() -> None:
    pairs = [pair(1, 0), pair(2, 1, fraud=True), pair(3, 7), pair(4, 9, delay=1)]
    assert [(to.topic, to.fields["transactionId"]) for to in with_truth(pairs)] == [
        (TRANSACTIONS, "t1"),
        (TRANSACTIONS, "t2"),
        (ORACLE, "t2"),
        (LABELS, "t1"),
        (TRANSACTIONS, "t3"),
        (LABELS, "t2"),
        (TRANSACTIONS, "t4"),
        (LABELS, "t4"),
        (LABELS, "t3"),
    ]


def test_keys_are_the_card_and_the_transaction() -> None:
    assert [to.key for to in with_truth([pair(1, 0, fraud=True)])] == ["c", "t1", "t1"]


def test_a_transaction_without_a_label_sends_none() -> None:
    assert [to.topic for to in with_truth([(pair(1, 0)[0], None)])] == [TRANSACTIONS]


def test_times_are_moved_to_a_start_and_brought_together() -> None:
    moved = list(retimed([pair(1, 10), pair(2, 12)], 100 * DAY_MS, 2.0))
    assert [record["eventTime"] / DAY_MS for record, _ in moved] == [100, 101]
    assert [label and label["releaseTime"] / DAY_MS for _, label in moved] == [103.5, 104.5]
    assert [label and label["eventTime"] / DAY_MS for _, label in moved] == [100, 101]
    assert list(retimed([pair(1, 10)], None, 1.0)) == [pair(1, 10)]


def run(*args: object) -> Result:
    return CliRunner().invoke(cli, ["replay", *map(str, args)])


def test_a_dry_run_shows_what_would_be_sent_and_what_is_missing(files: Files) -> None:
    shown = run(files.csv(own_rows({"fraud": "1"}, {})), "--mapping", files.mapping(), "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert '"topic": "oracle", "key": "t1"' in shown.output
    assert "own.csv: 2 transactions of 1 cards, 2026-01-01T08:01:00Z to 2026-01-01T08:02:00Z" in shown.output
    assert "labels: 2, fraud 1 (50.00%): fraud 1" in shown.output
    assert "missing: country (records say: ZZ)" in shown.output


def test_bad_rows_are_left_out_when_asked_and_stand_in_a_file_with_their_reasons(files: Files) -> None:
    bad, path = files.folder / "bad.txt", files.csv(own_rows({}, {"amount": "?"}, {}))
    args = (path, "--mapping", files.mapping(), "--dry-run", "--skip-bad", bad)
    shown = run(*args)
    assert shown.exit_code == 0, shown.output
    assert "bad rows left out: 1 of 3 rows read" in shown.output
    heading, reason = bad.read_text().splitlines()
    assert heading.startswith("# Rows that a replay left out")
    assert reason.startswith("own.csv, line 3, column amount: '?' is not a number")
    assert run(*args).exit_code == 0, "a file of an earlier run is written anew"
    assert "name a new file for the bad rows" in str(run(*args[:-1], path).exception)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rescale", "0"), "--rescale is 0"),
        (("--keep-times", "--start", "2026-01-01"), "--keep-times excludes --start and --rescale"),
        (("--start", "1999-01-01"), "--start is '1999-01-01'"),
        (("--start", "2099-12-31T23:59:59", "--rescale", "0.001"), "would lie after 2099"),
        (("--rate", "-1"), "--rate is '-1'"),
    ],
)
def test_a_wrong_option_is_one_line(files: Files, options: tuple[str, ...], said: str) -> None:
    error = run(files.csv(own_rows({}, {})), "--mapping", files.mapping(), "--dry-run", *options).exception
    assert isinstance(error, UserError)
    assert said in str(error)


def test_a_rate_and_a_speed_exclude_each_other_before_anything_is_sent(files: Files) -> None:
    error = run(files.csv(own_rows({})), "--mapping", files.mapping(), "--rate", "5", "--speed", "60").exception
    assert "exclude each other" in str(error)


def test_handbook_data_is_the_same_again_and_follows_its_description() -> None:
    ledger = simulate(days=40, customers=300, seed=5)
    assert list(rows(ledger))[:50] == list(rows(simulate(days=40, customers=300, seed=5)))[:50]
    assert list(rows(ledger))[:50] != list(rows(simulate(days=40, customers=300, seed=6)))[:50]
    assert (np.diff(ledger.at_s) >= 0).all()
    a_day = len(ledger.at_s) / 40 / 300
    assert 1.6 < a_day < 2.2
    noon = ledger.at_s % DAY_S
    assert abs(noon.mean() - DAY_S / 2) < 500
    assert (ledger.scenario[ledger.amount > 220] > 0).all()
    assert ledger.amount[ledger.scenario == 1].min() > 220
    assert set(np.unique(ledger.scenario)) == {0, 1, 2, 3}
    everything = np.isin(ledger.terminal, ledger.terminal[(ledger.scenario == 2) & (ledger.at_s < DAY_S)])
    early = everything & (ledger.at_s < 14 * DAY_S)
    assert (ledger.scenario[early] >= 2).all(), "all that a compromised terminal takes is fraud"


def test_handbook_data_is_read_by_the_mapping_of_that_name(tmp_path: Path) -> None:
    ledger = simulate(days=10, customers=60, seed=2)
    count = write_csv(tmp_path / "handbook.csv", ledger)
    replay = transactions(tmp_path / "handbook.csv", "handbook")
    pairs = list(replay)
    assert len(pairs) == count
    assert replay.missing == {"place", "device", "merchant_category", "channel", "country", "approved"}
    assert [bool(label and label["fraud"]) for _, label in pairs] == (ledger.scenario > 0).tolist()
    assert [record["amountMinor"] for record, _ in pairs] == np.rint(ledger.amount * 100).astype(int).tolist()
    scenarios = {label["scenario"] for _, label in pairs if label}
    assert scenarios <= {None, "control", "compromised_terminal", "card_not_present_leak"}
    assert len(COLUMNS) == 9
