"""Screens, the vectorised twins of the detection rules: a file a rule, and a line a rule here.

A screen looks at all records of a batch at once and says where its rule may find something. It may be wrong in one
way only: to say so where the rule finds nothing, which costs the time to ask the rule. What the rule finds is said by
the rule alone. A rule without a screen is asked about every record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np

from analyzer.batch.columns import BoolArray, IntArray
from analyzer.batch.figures import Figures
from analyzer.batch.screens.amount_outlier import amount_outlier
from analyzer.batch.screens.bust_out import bust_out
from analyzer.batch.screens.card_testing import card_testing
from analyzer.batch.screens.first_seen import first_seen
from analyzer.batch.screens.follow_up import follow_up
from analyzer.batch.screens.impossible_travel import impossible_travel
from analyzer.batch.screens.strange_device import strange_device
from analyzer.batch.screens.velocity import velocity
from analyzer.batch.screens.woken_card import woken_card
from analyzer.core.rules.amount_outlier import AmountOutlier
from analyzer.core.rules.base import Rule
from analyzer.core.rules.bust_out import BustOut
from analyzer.core.rules.card_testing import CardTesting
from analyzer.core.rules.first_seen import FirstSeen
from analyzer.core.rules.follow_up import FollowUp
from analyzer.core.rules.impossible_travel import ImpossibleTravel
from analyzer.core.rules.strange_device import StrangeDevice
from analyzer.core.rules.velocity import Velocity
from analyzer.core.rules.woken_card import WokenCard

Screen: TypeAlias = Callable[[Any, Figures], BoolArray]
"""From a rule, with its thresholds, and figures of n records to where it may find something, (n,)."""

SCREENS: Final[Mapping[type[Rule], Screen]] = {
    Velocity: velocity,
    AmountOutlier: amount_outlier,
    ImpossibleTravel: impossible_travel,
    CardTesting: card_testing,
    FirstSeen: first_seen,
    StrangeDevice: strange_device,
    WokenCard: woken_card,
    BustOut: bust_out,
}

ONCE_FLAGGED: Final[Mapping[type[Rule], Screen]] = {
    FollowUp: follow_up,
}
"""Of rules that find nothing unless a remembered flag of the card has the record's country or device."""


@dataclass(frozen=True, slots=True, eq=False)
class Pointed:
    """Where screens of r rules point among n records."""

    rules: tuple[Rule, ...]
    at: IntArray
    """(m,) the records, in order."""

    by: IntArray
    """(m,) which rules point at each, a bit a rule from the first on."""

    once_flagged: int
    """Bits of the rules in `ONCE_FLAGGED`."""


def pointed(rules: tuple[Rule, ...], seen: Figures) -> Pointed:
    """Return where rules may find something."""
    by = np.zeros(len(seen), np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a card without a habit nothing is asked
        for bit, rule in enumerate(rules):
            screen = SCREENS.get(type(rule)) or ONCE_FLAGGED.get(type(rule))
            by |= (1 if screen is None else screen(rule, seen).astype(np.int64)) << bit
    at = np.flatnonzero(by)
    once_flagged = sum(1 << bit for bit, rule in enumerate(rules) if type(rule) in ONCE_FLAGGED)
    return Pointed(rules, at, by[at], once_flagged)
