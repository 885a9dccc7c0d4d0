"""Screens, the vectorised twins of the detection rules: a file a rule, and a line a rule here.

A screen looks at all records of a batch at once and says where its rule may find something. It may be wrong in one
way only: to say so where the rule finds nothing, which costs the time to ask the rule. What the rule finds is said by
the rule alone. A rule without a screen is asked about every record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np

from analyzer.batch.columns import BoolArray
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
"""Of rules that find nothing on a card without a remembered flag."""


def screened(rules: Iterable[Rule], seen: Figures) -> tuple[BoolArray, BoolArray]:
    """Return where rules may find something, (n,), and where if something of the card was flagged before, (n,)."""
    anyway, once_flagged = np.zeros(len(seen), np.bool_), np.zeros(len(seen), np.bool_)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a card without a habit nothing is asked
        for rule in rules:
            if (screen := ONCE_FLAGGED.get(type(rule))) is not None:
                once_flagged |= screen(rule, seen)
            elif (screen := SCREENS.get(type(rule))) is not None:
                anyway |= screen(rule, seen)
            else:
                anyway[:] = True
    return anyway, once_flagged
