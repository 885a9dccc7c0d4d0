"""What a detection rule is."""

from __future__ import annotations

from typing import ClassVar, Final, Protocol

from analyzer.core.features import Features
from analyzer.core.model import Finding, Transaction

FIELDS: Final = frozenset({"place", "device", "merchant_category", "channel", "country", "approved", "terminal"})
"""What a data set may lack: the fields that a rule can say it needs."""


class Named(Protocol):
    """A frozen dataclass whose fields are its thresholds; their types (`analyzer.core.units`) say the units."""

    name: ClassVar[str]
    """Name in findings, metrics and settings; also of its table in the rules file."""

    needs: ClassVar[frozenset[str]]
    """Those of `FIELDS` without which it can't find anything."""


class Rule(Named, Protocol):
    """One that looks at a transaction against its card's window."""

    def check(self, seen: Features, transaction: Transaction) -> Finding | None:
        """Return what it finds in `transaction`, or None; a function of the arguments alone."""


def graded(observed: float, low: float, high: float, scores: tuple[float, float]) -> float:
    """Return a score that grows linearly with `observed`.

    Args:
        observed: the figure.
        low: where the first of `scores` is given; below it too.
        high: where the second is given; above it too.
        scores: the score at `low` and at `high`.
    """
    share = min(1.0, max(0.0, (observed - low) / (high - low))) if high > low else 1.0
    return scores[0] + share * (scores[1] - scores[0])
