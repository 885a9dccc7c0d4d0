"""On the producer's data too the batch judge equals the core, and asks it about few records in vain."""

from __future__ import annotations

import pytest

from tests.quality.batch_equality import compare


@pytest.mark.parametrize("preset", ["workshop", "handbook"])
def test_batches_of_generated_transactions_are_judged_as_by_the_core(preset: str) -> None:
    tally = compare(preset, 15_000)
    assert tally.found > 0
    assert tally.asked <= 2 * tally.found


@pytest.mark.parametrize("preset", ["workshop", "handbook"])
def test_so_are_batches_in_which_some_are_late_out_of_order_or_repeated(preset: str) -> None:
    tally = compare(preset, 8_000, disorder=True)
    assert tally.asked <= 2 * tally.found + 0.05 * tally.records
