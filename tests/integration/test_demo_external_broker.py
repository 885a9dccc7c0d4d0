"""The demo on a broker that somebody else runs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from schemas import topics
from tests.harness import PATIENCE, ROOT, Stack

pytestmark = pytest.mark.integration


def _demo(stack: Stack, *args: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "demo", "--broker", stack.broker.bootstrap_servers, "--json", *args]
    return subprocess.run(
        argv, cwd=ROOT, env=stack.env, capture_output=True, text=True, timeout=PATIENCE * 150, check=False
    )


def test_a_run_on_a_broker_that_is_there_balances_and_leaves_it_running(stack: Stack) -> None:
    done = _demo(stack, "--transactions", "1000", "--rate", "500")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["ledger"][0]["left"] == len(stack.records(topics.TRANSACTIONS)) == 1_000


def test_topics_that_hold_records_are_refused_with_their_names(stack: Stack) -> None:
    stack.produce(topics.LABELS, b"k", b"v")
    done = _demo(stack)
    assert done.returncode == 2
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"topics on {stack.broker.bootstrap_servers} already hold records (labels)" in error
