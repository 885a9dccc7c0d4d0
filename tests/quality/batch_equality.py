"""The batch judge beside the core on what the producer makes: `python -m tests.quality.batch_equality 1000000`."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from analyzer.core.detect import Judge
from analyzer.core.model import Transaction
from analyzer.thresholds import read
from analyzer.wire import checked
from producer.presets import make_plan
from producer.timeline import transactions
from tests.batch_input import columns_of
from tests.batch_peer import Batched, Scalar, consistent, plainly, told
from tests.quality.hardness import START_MS

SIZES: Final = (1, 30, 300, 1_000, 4_000)
"""Records of a batch, drawn by chance."""
_AT_ONCE: Final = 20_000
"""Records after which all states are compared."""


@dataclass
class Tally:
    """How much the core had to be asked."""

    records: int = 0
    asked: int = 0
    found: int = 0


def made(preset: str, count: int, cards: int | None) -> Iterator[Transaction]:
    """Yield what the generator makes, as the analyzer reads it."""
    for one, _ in islice(transactions(make_plan(7, START_MS, preset, cards)), count):
        yield checked(one.record())


def compare(preset: str, count: int, cards: int | None = None) -> Tally:
    """Judge `count` transactions in both ways, and fail where they differ; by the thresholds in force."""
    tuning = read()
    by = Judge(tuning.rules, tuning.alert.threshold), tuning.sighting
    batched, scalar, tally = Batched(*by), Scalar(*by), Tally()
    stream, rng = made(preset, count, cards), random.Random(7)  # noqa: S311 - input of a test
    while ones := list(islice(stream, rng.choice(SIZES))):
        before = tally.records
        expected = [told(*scalar.take(one, before + at)) for at, one in enumerate(ones)]
        outcome = batched.take(columns_of(ones, before), ones)
        assert plainly(outcome) == expected, f"{preset}: records from {before} on"
        assert consistent(outcome)
        tally.records += len(ones)
        tally.found += len(outcome.verdicts)
        if before // _AT_ONCE < tally.records // _AT_ONCE:
            assert batched.windows(scalar.windows) == scalar.windows, f"{preset}: states before {tally.records}"
    assert batched.windows(scalar.windows) == scalar.windows
    tally.asked = batched.asked
    return tally


if __name__ == "__main__":
    for chosen in ("workshop", "handbook"):
        print(chosen, compare(chosen, int(sys.argv[1]) // 2), flush=True)  # noqa: T201 - a command prints
