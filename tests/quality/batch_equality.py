"""The batch judge beside the core on what the producer makes: `python -m tests.quality.batch_equality 1000000`."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final
from zlib import crc32

import numpy as np

from analyzer.core.detect import Judge
from analyzer.core.model import Transaction
from analyzer.thresholds import read
from analyzer.wire import checked
from bench.analyzer.records import disordered
from producer.presets import make_plan
from producer.timeline import transactions
from tests.batch_input import columns_of
from tests.batch_peer import Batched, Scalar, consistent, plainly, told
from tests.quality.hardness import START_MS

SIZES: Final = (1, 30, 300, 1_000, 4_000)
"""Records of a batch, drawn by chance."""
_AT_ONCE: Final = 20_000
"""Records after which all states are compared."""


PARTITIONS: Final = 3


@dataclass
class Tally:
    """How much the core had to be asked."""

    records: int = 0
    asked: int = 0
    found: int = 0


def made(preset: str, count: int, cards: int | None, *, disorder: bool) -> Iterator[Transaction]:
    """Yield what the generator makes, as the analyzer reads it; with `disorder`, some of it late or twice."""
    drafts = islice(transactions(make_plan(7, START_MS, preset, cards)), count)
    records = (one.record() for one, _ in drafts)
    for record in disordered(records) if disorder else records:
        yield checked(record)


class Peers:
    """Both ways: the core has a dict of windows for each partition, the batch judge one store."""

    def __init__(self, preset: str) -> None:
        """Judge by the thresholds in force."""
        tuning = read()
        by = Judge(tuning.rules, tuning.alert.threshold), tuning.sighting
        self.preset, self.batched = preset, Batched(*by)
        self.scalars = [Scalar(*by) for _ in range(PARTITIONS)]
        self.offsets = [0] * PARTITIONS

    def take(self, ones: list[Transaction]) -> int:
        """Hold a batch equal, and return how many had findings."""
        partitions = [crc32(one.card_id.encode()) % PARTITIONS for one in ones]
        offsets = []
        for partition in partitions:
            offsets.append(self.offsets[partition])
            self.offsets[partition] += 1
        places = list(zip(ones, partitions, offsets, strict=True))
        expected = [told(*self.scalars[partition].take(one, offset)) for one, partition, offset in places]
        columns = replace(columns_of(ones), offsets=np.array(offsets, np.int64))
        outcome = self.batched.take(columns, ones, partitions)
        assert plainly(outcome) == expected, f"{self.preset}: offsets {offsets[0]} to {offsets[-1]}"
        assert consistent(outcome)
        return len(outcome.verdicts)

    def hold_states_equal(self) -> None:
        """Hold all of them equal."""
        for partition, scalar in enumerate(self.scalars):
            found = self.batched.windows(scalar.windows, partition)
            assert found == scalar.windows, f"{self.preset}: states before {self.offsets}"


def compare(preset: str, count: int, cards: int | None = None, *, disorder: bool = False) -> Tally:
    """Judge `count` transactions in both ways, and fail where they differ."""
    peers, tally = Peers(preset), Tally()
    stream, rng = made(preset, count, cards, disorder=disorder), random.Random(7)  # noqa: S311 - input of a test
    while ones := list(islice(stream, rng.choice(SIZES))):
        before = tally.records
        tally.found += peers.take(ones)
        tally.records += len(ones)
        if before // _AT_ONCE < tally.records // _AT_ONCE:
            peers.hold_states_equal()
    peers.hold_states_equal()
    tally.asked = peers.batched.asked
    return tally


if __name__ == "__main__":
    for chosen in ("workshop", "handbook"):
        for mixed in (False, True):
            print(chosen, mixed, compare(chosen, int(sys.argv[1]) // 4, disorder=mixed), flush=True)  # noqa: T201 - a command prints
