"""What came of the records of a batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from analyzer.batch.columns import BoolArray, FloatArray
from analyzer.core.detect import Duplicate, Judged, Late, Outcome
from analyzer.core.model import Verdict
from analyzer.core.sighting import Sighting


class Kind(IntEnum):
    """What a record was to its card: `analyzer.core.detect.Outcome` as a number."""

    JUDGED = 0
    LATE = 1
    DUPLICATE = 2
    REPLAYED = 3


@dataclass(frozen=True, slots=True, eq=False)
class BatchOutcome:
    """Of n records."""

    kind: NDArray[np.int8]
    """(n,) a `Kind` of each."""

    amount_z: FloatArray
    """(n,) of the sighted ones, standard deviations of ln(amount) above the card's mean; else nan."""

    sighted: BoolArray
    """(n,) whether the terminal stage must be told."""

    verdicts: dict[int, Verdict] = field(default_factory=dict)
    """By index, those in which a rule found something, be it in the shadow; in no order."""

    behind_ms: dict[int, int] = field(default_factory=dict)
    """By index of the late ones, how much older than the card's newest they are; in no order."""

    @classmethod
    def of(cls, count: int) -> BatchOutcome:
        """Return that of `count` records that are replayed, for now."""
        nothing = np.full(count, Kind.REPLAYED, np.int8)
        return cls(nothing, np.full(count, np.nan), np.zeros(count, np.bool_))

    def note(self, at: int, outcome: Outcome, sighting: Sighting | None) -> None:
        """Put down what the core says of a record."""
        if isinstance(outcome, Judged):
            self.kind[at] = Kind.JUDGED
            if outcome.verdict.findings or outcome.verdict.shadow:
                self.verdicts[at] = outcome.verdict
        elif isinstance(outcome, Late):
            self.kind[at] = Kind.LATE
            self.behind_ms[at] = outcome.behind_ms
        elif isinstance(outcome, Duplicate):
            self.kind[at] = Kind.DUPLICATE
        if sighting is not None:
            self.sighted[at], self.amount_z[at] = True, sighting.amount_z
