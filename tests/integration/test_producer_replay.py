"""Transactions of a file on a real broker: all of them, their labels, and the fraud for the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from analyzer.wire import checked
from producer.files import transactions
from schemas.codec import Decoder
from schemas.topics import LABELS, ORACLE, TRANSACTIONS
from tests.handbook_data import simulate, write_csv

if TYPE_CHECKING:
    from tests.harness import Stack

pytestmark = pytest.mark.integration


@pytest.fixture
def handbook(tmp_path: Path) -> Path:
    path = tmp_path / "handbook.csv"
    write_csv(path, simulate(days=12, customers=60, seed=2))
    return path


def test_a_file_arrives_whole_with_labels_and_oracle(stack: Stack, handbook: Path) -> None:
    service = stack.start("producer", "replay", str(handbook), "--mapping", "handbook")
    assert service.wait(60) == 0, service.log
    pairs = list(transactions(handbook, "handbook"))
    decoder = Decoder(stack.registry, logical_types=False)

    def sent(topic: str) -> dict[str, object]:
        messages = stack.records(topic)
        found = [(message.key(), decoder.decode(message.value() or b"")) for message in messages]
        key = "cardId" if topic == TRANSACTIONS else "transactionId"
        assert all((at or b"").decode() == record[key] for at, record in found)
        assert len({record["transactionId"] for _, record in found}) == len(messages)
        return {record["transactionId"]: record for _, record in found}

    assert sent(TRANSACTIONS) == {record["transactionId"]: record for record, _ in pairs}
    labels = {label["transactionId"]: label for _, label in pairs if label}
    assert sent(LABELS) == labels
    assert sent(ORACLE) == {of: label for of, label in labels.items() if label["fraud"]}
    assert any(label["fraud"] for label in labels.values())
    assert all(checked(record) for record, _ in pairs)
    assert f"handbook.csv: {len(pairs)} transactions of" in service.log
    assert "missing: place" in service.log


def test_nothing_is_sent_of_a_file_with_a_bad_row(stack: Stack, handbook: Path) -> None:
    with handbook.open("a") as file:
        file.write("99999,2018-06-01 00:00:00,1,1,-5,0,0,0,0\n")
    service = stack.start("producer", "replay", str(handbook), "--mapping", "handbook")
    assert service.wait(60) == 2, service.log
    assert "column TX_AMOUNT: -5 is negative" in service.log
    assert "Traceback" not in service.log
    assert stack.records(TRANSACTIONS) == []


def test_a_stop_ends_a_replay_in_order(stack: Stack, handbook: Path) -> None:
    service = stack.start("producer", "replay", str(handbook), "--mapping", "handbook", "--rate", "50")
    service.until(lambda log: '"started"' in log)
    service.terminate()
    assert service.wait(30) == 0, service.log
    assert len(stack.records(LABELS)) == len(stack.records(TRANSACTIONS))
