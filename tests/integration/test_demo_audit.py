"""`python -m demo report` on a suite that runs elsewhere."""

from __future__ import annotations

import pytest

from schemas import topics
from tests.harness import Stack

pytestmark = pytest.mark.integration


def test_a_suite_that_has_done_nothing_balances(stack: Stack) -> None:
    service = stack.start("demo", "report")
    assert service.wait(60) == 0, service.log
    assert "The ledger balances." in service.log


def test_a_transaction_that_nobody_judged_is_found_and_named(stack: Stack) -> None:
    stack.produce(topics.TRANSACTIONS, b"card", b"lost", partition=3)
    service = stack.start("demo", "report", "--wait", "1")
    assert service.wait(60) == 1, service.log
    assert "still at work after 1 s" in service.log
    assert "partition 3: 1 in, 0 out" in service.log
    assert "does NOT balance" in service.log


def test_a_registry_that_is_away_is_named_with_what_to_check(stack: Stack) -> None:
    service = stack.start("demo", "report", "--wait", "1", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert service.wait(120) == 1, service.log
    assert "Check AWS_ENDPOINT_URL" in service.log
