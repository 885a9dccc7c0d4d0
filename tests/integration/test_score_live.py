"""The live score on a real broker: equal to the offline score of the same seed, whatever happens to it meanwhile."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from schemas import topics
from schemas.codec import Decoder, Encoder
from tests.harness import ROOT, RunningService, Stack, wait_until

pytestmark = pytest.mark.integration

TRANSACTIONS = 6_000
RUN = ("--seed", "5", "--transactions", str(TRANSACTIONS), "--cards", "200")
"""Enough event time for most labels to be released, and enough cards for terminals to surge."""


def offline() -> dict[str, Any]:
    argv = [sys.executable, "-m", "score", "offline", *RUN, "--processes", "1", "--shadow", "first_seen", "--json"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def once(stack: Stack, state: Path) -> dict[str, Any]:
    argv = [sys.executable, "-m", "score", "run", "--once", "--json"]
    env = {**stack.env, "SCORE_STATE": str(state)}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def told(stack: Stack, topic: str) -> int:
    """Return how many notifications a topic holds: a worker that was thought dead may have repeated some."""
    decoder = Decoder(stack.registry)
    records = [decoder.decode(message.value() or b"") for message in stack.records(topic)]
    return len({record["eventDetail"]["notificationId"] for record in records})


def holds(state: Path, count: int) -> bool:
    """Say whether a state holds so many transactions."""
    try:
        with sqlite3.connect(f"file:{state}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM happened").fetchone()[0]) >= count
    except sqlite3.OperationalError:
        return False  # not made yet


def followed(stack: Stack, state: Path) -> RunningService:
    return stack.start("score", "run", SCORE_STATE=str(state), SCORE_REFRESH_S="0.1", SCORE_BATCH="100")


def test_the_live_score_equals_the_offline_score_though_it_is_killed_again_and_again(
    stack: Stack, tmp_path: Path
) -> None:
    expected, state = offline(), tmp_path / "score.db"
    stack.start("analyzer", "worker", "--shadow", "first_seen")
    stack.start("producer", "run", *RUN, "--rate", "600")
    for part in (0.2, 0.5, 0.8):
        service = followed(stack, state)
        wait_until(partial(holds, state, int(part * TRANSACTIONS)), what=f"{part:.0%} of the transactions")
        service.kill()
    wait_until(lambda: len(stack.records(topics.LABELS)) == TRANSACTIONS, what="the labels")
    wait_until(lambda: told(stack, topics.NOTIFICATIONS) >= expected["alerts"], what="the alerts")
    on_trial = expected["by_rule"]["first_seen"]["alerts"]
    wait_until(lambda: told(stack, topics.SHADOW) >= on_trial > 0, what="all that the rule on trial found")
    found = once(stack, state)
    assert found.pop("unreadable") == 0
    assert found == {key: expected[key] for key in found}
    assert found["bank"]["transactions"] > 0.5 * TRANSACTIONS
    assert found["by_rule"]["first_seen"]["shadow"] is True
    assert found["by_rule"]["terminal_surge"]["alerts"] > 0
    assert once(stack, state) | {"unreadable": 0} == found | {"unreadable": 0}, "reading nothing changes nothing"
    assert once(stack, tmp_path / "new.db") == found | {"unreadable": 0}, "nor does reading everything anew"


def test_what_does_not_fit_is_counted_and_shown(stack: Stack, tmp_path: Path) -> None:
    label = {
        "transactionId": "never-happened",
        "cardId": "card",
        "eventTime": 1_767_225_600_000,
        "amountMinor": 100,
        "currency": "EUR",
        "fraud": True,
        "scenario": "card_testing",
        "releaseTime": 1_767_225_600_000,
        "approved": True,
    }
    encoder = Encoder.registered("label", topics.LABELS, stack.registry)
    stack.produce(topics.LABELS, b"never-happened", encoder.encode(label))
    stack.produce(topics.LABELS, b"bad", b"not a label")
    found = once(stack, tmp_path / "score.db")
    assert (found["unknown_labels"], found["unreadable"], found["transactions"]) == (1, 1, 0)


def test_a_report_is_written_while_the_score_runs(stack: Stack, tmp_path: Path) -> None:
    state, html = tmp_path / "score.db", tmp_path / "report.html"
    stack.start("analyzer", "worker")
    stack.start("producer", "run", "--seed", "5", "--transactions", "500", "--rate", "0")
    followed(stack, state)
    wait_until(lambda: holds(state, 500), what="the transactions")
    report = stack.start("score", "report", "--html", str(html), SCORE_STATE=str(state))
    assert report.wait() == 0, report.log
    assert html.read_text().count("<svg") == 5


def test_a_state_that_another_score_uses_is_refused(stack: Stack, tmp_path: Path) -> None:
    state = tmp_path / "score.db"
    service = followed(stack, state)
    service.until(lambda log: "started" in log)
    second = followed(stack, state)
    assert second.wait() == 2
    assert "another score keeps its state in" in second.log
    service.terminate()
    assert service.wait() == 0
